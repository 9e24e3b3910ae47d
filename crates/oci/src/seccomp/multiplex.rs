//! The system calls of x86 that call others: socketcall(2) and ipc(2).

use super::condition::Condition;

/// The call by which a program of x86 makes another one, and its first argument for that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Multiplexed {
    pub(super) number: u32,
    pub(super) selector: u64,
}

/// The names of calls by rising selectors: include/uapi/linux/net.h and ipc.h.
pub(super) struct Multiplexer {
    pub(super) number: u32,
    pub(super) calls: &'static [(u64, &'static str)],
}

pub(super) const ALL: &[Multiplexer] = &[SOCKETCALL, IPC];

const SOCKETCALL: Multiplexer = Multiplexer {
    number: 102,
    calls: &[
        (1, "socket"),
        (2, "bind"),
        (3, "connect"),
        (4, "listen"),
        (5, "accept"),
        (6, "getsockname"),
        (7, "getpeername"),
        (8, "socketpair"),
        (9, "send"),
        (10, "recv"),
        (11, "sendto"),
        (12, "recvfrom"),
        (13, "shutdown"),
        (14, "setsockopt"),
        (15, "getsockopt"),
        (16, "sendmsg"),
        (17, "recvmsg"),
        (18, "accept4"),
        (19, "recvmmsg"),
        (20, "sendmmsg"),
    ],
};

const IPC: Multiplexer = Multiplexer {
    number: 117,
    calls: &[
        (1, "semop"),
        (2, "semget"),
        (3, "semctl"),
        (4, "semtimedop"),
        (11, "msgsnd"),
        (12, "msgrcv"),
        (13, "msgget"),
        (14, "msgctl"),
        (21, "shmat"),
        (22, "shmdt"),
        (23, "shmget"),
        (24, "shmctl"),
    ],
};

/// The conditions of a call, for the call that makes it. The first argument selects the call; the others are
/// compared where libseccomp compares them, although they are behind a pointer.
pub(super) fn conditions(conditions: &[Condition], selector: u64) -> Vec<Condition> {
    let others = conditions.iter().copied().filter(|condition| condition.argument != 0);
    std::iter::once(Condition::equals(0, selector)).chain(others).collect()
}
