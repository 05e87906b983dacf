//! What the operating system says of a process: CPU time and memory. Linux tells in `/proc`; elsewhere these figures are
//! left out, and the others are still measured.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// The CPU time of a process so far, of all its threads that are there.
pub(super) fn cpu(process: u32) -> Option<Duration> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).ok()?;
    let mut sum = Duration::ZERO;
    for thread in threads {
        // A thread may have ended since it was listed.
        let Ok(thread) = thread else { continue };
        sum += on_cpu(&thread.path().join("schedstat")).unwrap_or_default();
    }
    Some(sum)
}

/// The CPU time of the thread that asks.
pub(super) fn own_cpu() -> Option<Duration> {
    on_cpu(Path::new("/proc/thread-self/schedstat"))
}

/// The most memory that a process had in use (`VmHWM`), in bytes.
pub(super) fn peak_bytes(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(PathBuf::from(format!("/proc/{process}/status"))).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// The load average of the last minute: what else the machine was doing.
pub(super) fn load() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

/// The name of the processor.
pub(super) fn processor() -> Option<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Nanoseconds on a CPU are the first figure.
fn on_cpu(schedstat: &Path) -> Option<Duration> {
    let text = std::fs::read_to_string(schedstat).ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_memory_and_its_cpu_time_only_grows() {
        let id = std::process::id();
        assert!(peak_bytes(id).unwrap() > 100_000);
        let before = cpu(id).unwrap();
        let mut sum = 0_u64;
        // Work, until the clock of the scheduler has moved: it is the thing that is looked at.
        while cpu(id).unwrap() <= before {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(own_cpu().is_some());
    }

    #[test]
    fn of_a_process_that_is_not_there_nothing_is_said() {
        assert_eq!((cpu(u32::MAX), peak_bytes(u32::MAX)), (None, None));
    }
}
