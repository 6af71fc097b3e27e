//! Processor time and memory of processes, for benchmarks. The figures come from Linux's `/proc`; elsewhere they are 0.

/// Number of clock ticks per second in `/proc`.
const TICKS_PER_SECOND: f64 = 100.0;

/// Returns the processor seconds that this process has used so far, in user and system mode.
#[must_use]
pub fn cpu_seconds() -> f64 {
    cpu_seconds_of(std::process::id())
}

/// Returns the processor seconds that a process has used so far, in user and system mode.
#[must_use]
pub fn cpu_seconds_of(process_id: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process_id}/stat")).unwrap_or_default();
    // The program's name is in parentheses and may contain spaces, so that fields are counted behind it.
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
    (ticks(11).unwrap_or_default() + ticks(12).unwrap_or_default()) / TICKS_PER_SECOND
}

/// Returns the resident memory of a process in megabytes.
#[must_use]
pub fn resident_megabytes(process_id: u32) -> f64 {
    status_megabytes(process_id, "VmRSS:")
}

/// Returns the largest resident memory that a process has had so far, in megabytes.
#[must_use]
pub fn peak_resident_megabytes(process_id: u32) -> f64 {
    status_megabytes(process_id, "VmHWM:")
}

fn status_megabytes(process_id: u32, field: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process_id}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(field));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kilobytes.unwrap_or_default() / 1024.0
}
