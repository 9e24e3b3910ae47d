/*
 * Executes PROGRAM as root of new user, mount, pid, uts and ipc namespaces, and waits for it: the floor of `space
 * execute -Umpui --id`, with as few system calls as a C program needs that keeps the same promises: the program does
 * not outlive the command, which passes on its signals; it inherits no descriptor and no blocked signal; a program that
 * was not executed is an error; and no process with the privileges of the program traces the child while it shares the
 * memory of the command.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* CLOSE_RANGE_CLOEXEC of linux/close_range.h, which old kernel headers lack. */
#define CLOEXEC 4

static char uid_map[32], gid_map[32], stack[65536] __attribute__((aligned(16)));
static sigset_t signals, former;
/* Written by the child in shared memory if it does not execute the program. */
static int failure;

static int failed(void)
{
	failure = errno;
	_exit(125);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		failed();
	close(fd);
}

static int child(void *argv)
{
	write_file("/proc/self/setgroups", "deny");
	write_file("/proc/self/uid_map", uid_map);
	write_file("/proc/self/gid_map", gid_map);
	/* Not before, because an ordinary user may not write the maps of an undumpable process. */
	prctl(PR_SET_DUMPABLE, 0);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return failed();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || syscall(SYS_close_range, 3, ~0U, CLOEXEC) < 0)
		return failed();
	sigprocmask(SIG_SETMASK, &former, NULL);
	execve(((char **)argv)[0], argv, environ);
	return failed();
}

static void pass_on(int fd, pid_t pid)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof info) == sizeof info)
		if (info.ssi_signo != SIGCHLD)
			kill(pid, info.ssi_signo);
}

int main(int argc, char **argv)
{
	int kinds = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC;
	int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, status, pidfd;
	int caught[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGTSTP, SIGCONT, SIGCHLD };
	struct pollfd ready[2];
	pid_t pid;

	snprintf(uid_map, sizeof uid_map, "0 %u 1", geteuid());
	snprintf(gid_map, sizeof gid_map, "0 %u 1", getegid());
	sigemptyset(&signals);
	for (size_t at = 0; at < sizeof caught / sizeof *caught; at++)
		sigaddset(&signals, caught[at]);
	sigprocmask(SIG_BLOCK, &signals, &former);
	ready[1].fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	pid = argc > 1 ? clone(child, stack + sizeof stack, flags | kinds, argv + 1, &pidfd) : -1;
	/* The child has left the memory. */
	prctl(PR_SET_DUMPABLE, 1);
	if (pid < 0 || failure)
		return 125;
	ready[0].fd = pidfd;
	ready[0].events = ready[1].events = POLLIN;
	for (;;) {
		if (poll(ready, 2, -1) < 0 && errno != EINTR)
			return 125;
		if (ready[0].revents)
			break;
		pass_on(ready[1].fd, pid);
	}
	if (waitpid(pid, &status, 0) < 0)
		return 125;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
