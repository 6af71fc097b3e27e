//! Progress of a long command: a bar on a terminal, and a line now and then where standard error goes elsewhere.

use std::time::Duration;

use indicatif::ProgressBar;
use tokio::runtime::Handle;

/// Time between two lines where no terminal shows the bar.
const LINE_INTERVAL: Duration = Duration::from_secs(30);

/// Shows a bar until it is finished or dropped. Where standard error is not a terminal (a log file, a pipe, a build server), a line
/// is printed each half minute instead, by a task of the runtime, if there is one.
pub(crate) fn show(bar: ProgressBar) -> ProgressBar {
    if let (true, Ok(runtime)) = (bar.is_hidden(), Handle::try_current()) {
        let shown = bar.downgrade();
        runtime.spawn(async move {
            loop {
                tokio::time::sleep(LINE_INTERVAL).await;
                match shown.upgrade() {
                    Some(bar) if !bar.is_finished() => eprintln!("{}", line(&bar)),
                    _ => return,
                }
            }
        });
    }
    bar
}

/// Returns what a bar shows as one line: its message, and how much is done.
fn line(bar: &ProgressBar) -> String {
    let (message, done, seconds) = (bar.message(), bar.position(), bar.elapsed().as_secs());
    match bar.length() {
        Some(length) => {
            let percent = done * 100 / length.max(1);
            format!("{message}: {percent} % after {seconds} s")
        }
        None if done > 0 => format!("{message}: {done} after {seconds} s"),
        None => format!("{message} after {seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_done_and_how_much_of_it() {
        let bar = ProgressBar::hidden().with_message("reading transcripts");
        assert_eq!(line(&bar), "reading transcripts after 0 s");
        bar.inc(20);
        assert_eq!(line(&bar), "reading transcripts: 20 after 0 s");
        bar.set_length(400);
        assert_eq!(line(&bar), "reading transcripts: 5 % after 0 s");
    }
}
