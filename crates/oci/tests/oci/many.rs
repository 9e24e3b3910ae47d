//! Many containers at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::bundle::Bundle;
use crate::runtime::{Runtime, reap, run_oci_as, wait_until};

#[test]
fn fifty_containers_are_created_at_once_by_eight_callers() {
    run_oci_as!([Root, User], {
        let runtime = Runtime::new();
        let next = AtomicUsize::new(0);
        let one_after_another = || {
            let mut running = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= 50 {
                    return running;
                }
                let id = format!("c{number}");
                let bundle = Bundle::new(&id, "echo >/tmp/ran; exec sleep 1000");
                runtime.start_ok(&["create", "--bundle", bundle.path(), &id]);
                runtime.ok(&["start", &id]);
                running.push((id, bundle));
            }
        };
        let running: Vec<(String, Bundle)> = thread::scope(|scope| {
            let callers: Vec<_> = (0..8).map(|_| scope.spawn(one_after_another)).collect();
            callers.into_iter().flat_map(|caller| caller.join().expect("a caller")).collect()
        });
        assert_eq!(running.len(), 50);
        for (id, bundle) in &running {
            let ran = bundle.rootfs().join("tmp/ran");
            wait_until("the program runs", || ran.exists());
            assert_eq!(runtime.status(id), "running");
        }
        for (id, bundle) in running {
            let pid = runtime.pid(&id);
            runtime.ok(&["delete", "--force", &id]);
            assert_eq!(reap(pid), 128 + 9);
            drop(bundle);
        }
        runtime.finish();
    });
}
