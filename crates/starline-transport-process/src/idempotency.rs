//! The key by which a target recognises a second attempt at the same work.

use std::io;

use starline_device::Attempt;

/// `run/task/hash of the specification`: the same for each attempt of one specification, in every process
/// and version. The number of the attempt is the fencing token and no part of it.
pub(crate) fn key(attempt: &Attempt) -> String {
    let mut hash = Fnv::default();
    // Writing to a hash cannot fail; a specification that cannot be written has the hash of its beginning.
    let _ = serde_json::to_writer(&mut hash, attempt.spec.as_ref());
    format!("{}/{}/{:016x}", attempt.id.run, attempt.id.task, hash.0)
}

/// FNV-1a, 64 bits (G. Fowler, L. C. Noll, K.-P. Vo): stable and short, no protection against forgery.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl io::Write for Fnv {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use starline_device::{AttemptId, Payload, SparseMap, TaskId, TaskSpec};
    use std::io::Write as _;
    use std::sync::Arc;

    #[test]
    fn it_is_fnv() {
        for (text, hash) in [("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c)] {
            let mut fnv = Fnv::default();
            fnv.write_all(text.as_bytes()).expect("a hash");
            assert_eq!(fnv.0, hash, "{text}");
        }
    }

    #[test]
    fn it_follows_the_specification_and_not_the_attempt() {
        let task = TaskId::new("t").expect("id");
        let mut attempt = Attempt {
            id: AttemptId { run: "r".parse().expect("id"), task: task.clone().into(), number: 1 },
            payload: Payload::Noop,
            timeout: None,
            files: SparseMap::new(),
            checkpoint: None,
            spec: Arc::new(TaskSpec::new(task.clone(), Payload::Noop)),
        };
        let first = key(&attempt);
        assert!(first.starts_with("r/t/") && first.len() == 20, "{first}");
        attempt.id.number = 2;
        assert_eq!(key(&attempt), first);
        attempt.spec = Arc::new(TaskSpec { idempotent: true, ..TaskSpec::new(task, Payload::Noop) });
        assert_ne!(key(&attempt), first);
    }
}
