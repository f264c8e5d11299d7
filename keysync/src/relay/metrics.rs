//! What a relay did, in numbers, as Prometheus reads it. No number is of one box or one visitor.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::store::Totals;

/// Upper ends of the classes of durations, in seconds.
const SECONDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 10.0];

/// Counters since the start.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    answers: Mutex<BTreeMap<(&'static str, u16), u64>>,
    durations: Mutex<BTreeMap<&'static str, Durations>>,
    pub(crate) connections: AtomicU64,
    pub(crate) refused_connections: AtomicU64,
    pub(crate) store_errors: AtomicU64,
    pub(crate) swept: AtomicU64,
}

#[derive(Debug, Default)]
struct Durations {
    classes: [u64; SECONDS.len()],
    count: u64,
    sum: f64,
}

impl Metrics {
    /// One answer: to what, with which status, after how long. Requests that waited count by status alone.
    pub(crate) fn answered(&self, request: &'static str, status: u16, took: Option<Duration>) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        *answers.entry((request, status)).or_default() += 1;
        drop(answers);
        let Some(took) = took.map(|took| took.as_secs_f64()) else { return };
        let mut durations = self.durations.lock().unwrap_or_else(PoisonError::into_inner);
        let of_request = durations.entry(request).or_default();
        of_request.count += 1;
        of_request.sum += took;
        for (class, end) in of_request.classes.iter_mut().zip(SECONDS) {
            *class += u64::from(took <= end);
        }
    }

    /// The page, with what is counted elsewhere.
    pub(crate) fn page(&self, totals: Totals, waiting: usize) -> String {
        let mut page = String::new();
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        single(&mut page, "boxes", "gauge", totals.boxes);
        single(&mut page, "objects", "gauge", totals.objects);
        single(&mut page, "object_bytes", "gauge", totals.bytes);
        if let Some(most) = totals.most {
            single(&mut page, "total_bytes_limit", "gauge", most);
        }
        single(&mut page, "waiting_requests", "gauge", waiting as u64);
        single(&mut page, "connections", "gauge", load(&self.connections));
        single(&mut page, "refused_connections_total", "counter", load(&self.refused_connections));
        single(&mut page, "store_errors_total", "counter", load(&self.store_errors));
        single(&mut page, "swept_total", "counter", load(&self.swept));
        self.write_answers(&mut page);
        self.write_durations(&mut page);
        page
    }

    fn write_answers(&self, page: &mut String) {
        line(page, format_args!("# TYPE counterseal_relay_answers_total counter"));
        for ((request, status), count) in &*self.answers.lock().unwrap_or_else(PoisonError::into_inner) {
            line(
                page,
                format_args!(
                    "counterseal_relay_answers_total{{request=\"{request}\",status=\"{status}\"}} {count}"
                ),
            );
        }
    }

    fn write_durations(&self, page: &mut String) {
        const NAME: &str = "counterseal_relay_seconds";
        line(page, format_args!("# TYPE {NAME} histogram"));
        for (request, durations) in &*self.durations.lock().unwrap_or_else(PoisonError::into_inner) {
            for (count, end) in durations.classes.iter().zip(SECONDS) {
                line(page, format_args!("{NAME}_bucket{{request=\"{request}\",le=\"{end}\"}} {count}"));
            }
            let Durations { count, sum, .. } = durations;
            line(page, format_args!("{NAME}_bucket{{request=\"{request}\",le=\"+Inf\"}} {count}"));
            line(page, format_args!("{NAME}_sum{{request=\"{request}\"}} {sum}"));
            line(page, format_args!("{NAME}_count{{request=\"{request}\"}} {count}"));
        }
    }
}

fn single(page: &mut String, name: &str, kind: &str, value: u64) {
    line(page, format_args!("# TYPE counterseal_relay_{name} {kind}"));
    line(page, format_args!("counterseal_relay_{name} {value}"));
}

fn line(page: &mut String, arguments: std::fmt::Arguments<'_>) {
    // A String takes everything.
    let _ = writeln!(page, "{arguments}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_request_and_status() {
        let metrics = Metrics::default();
        metrics.answered("head", 304, Some(Duration::from_millis(2)));
        metrics.answered("head", 304, None);
        metrics.answered("put", 201, Some(Duration::from_secs(20)));
        let page = metrics.page(Totals { boxes: 7, ..Totals::default() }, 3);
        for expected in [
            "counterseal_relay_boxes 7",
            "counterseal_relay_waiting_requests 3",
            "counterseal_relay_answers_total{request=\"head\",status=\"304\"} 2",
            "counterseal_relay_seconds_bucket{request=\"head\",le=\"0.001\"} 0",
            "counterseal_relay_seconds_bucket{request=\"head\",le=\"0.0025\"} 1",
            "counterseal_relay_seconds_bucket{request=\"put\",le=\"10\"} 0",
            "counterseal_relay_seconds_bucket{request=\"put\",le=\"+Inf\"} 1",
            "counterseal_relay_seconds_count{request=\"head\"} 1",
        ] {
            assert!(page.lines().any(|line| line == expected), "{expected}\n{page}");
        }
        assert!(!page.contains("total_bytes_limit"));
    }
}
