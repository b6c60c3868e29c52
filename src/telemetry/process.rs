//! What the operating system says of this process.

/// This process at this moment.
#[derive(Debug)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "made on Linux alone"))]
pub(super) struct Process {
    pub(super) cpu_seconds: f64,
    pub(super) resident_bytes: i64,
    pub(super) open_fds: i64,
    /// In seconds since 1970.
    pub(super) start_time: i64,
}

/// Reads `/proc`; `None` where there is none, as on macOS.
#[cfg(target_os = "linux")]
pub(super) fn measure() -> Option<Process> {
    use std::fs::{read_dir, read_to_string};

    let stat = read_to_string("/proc/self/stat").ok()?;
    // The name comes second, in parentheses, and may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u32>().ok();
    let per_second = u32::try_from(rustix::param::clock_ticks_per_second()).ok()?;
    let status = read_to_string("/proc/self/status").ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: i64 = resident.trim().strip_suffix("kB")?.trim().parse().ok()?;
    let booted = read_to_string("/proc/stat").ok()?;
    let booted: i64 = booted.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    // After the name: utime is the 12th field, stime the 13th, starttime the 20th.
    Some(Process {
        cpu_seconds: f64::from(ticks(11)?.saturating_add(ticks(12)?)) / f64::from(per_second),
        resident_bytes: kilobytes * 1024,
        open_fds: i64::try_from(read_dir("/proc/self/fd").ok()?.count()).ok()?,
        start_time: booted + fields.get(19)?.parse::<i64>().ok()? / i64::from(per_second),
    })
}

#[cfg(not(target_os = "linux"))]
pub(super) const fn measure() -> Option<Process> {
    None
}
