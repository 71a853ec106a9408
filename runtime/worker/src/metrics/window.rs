//! Averages, maxima and rates over the last while.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// `metrics.sample.window.ms` × `metrics.num.samples` with their defaults: two samples of 30 s.
const SAMPLE: Duration = Duration::from_secs(30);

/// Values of the current and the previous sample. Recorded to once per batch, never once per record.
pub(crate) struct Window {
    samples: Mutex<[Sample; 2]>,
}

#[derive(Clone, Copy)]
struct Sample {
    began: Instant,
    sum: f64,
    count: u64,
    min: f64,
    max: f64,
}

/// What a [`Window`] says; NaN when it is empty.
pub(crate) struct Summary {
    pub(crate) average: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) per_second: f64,
}

impl Default for Window {
    fn default() -> Self {
        Self { samples: Mutex::new([Sample::new(Instant::now()); 2]) }
    }
}

impl Sample {
    fn new(began: Instant) -> Self {
        Self { began, sum: 0.0, count: 0, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

impl Window {
    pub(crate) fn record(&self, value: f64) {
        let now = Instant::now();
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let [current, previous] = &mut *samples;
        if now.duration_since(current.began) >= SAMPLE {
            *previous = *current;
            *current = Sample::new(now);
        }
        current.sum += value;
        current.count += 1;
        current.min = current.min.min(value);
        current.max = current.max.max(value);
    }

    pub(crate) fn record_millis(&self, time: Duration) {
        self.record(time.as_secs_f64() * 1000.0);
    }

    pub(crate) fn summary(&self) -> Summary {
        let now = Instant::now();
        let samples = *self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let live = samples.iter().filter(|sample| now.duration_since(sample.began) < 2 * SAMPLE);
        let all = live.fold(Sample::new(now), |all, sample| Sample {
            began: all.began.min(sample.began),
            sum: all.sum + sample.sum,
            count: all.count + sample.count,
            min: all.min.min(sample.min),
            max: all.max.max(sample.max),
        });
        let seconds = now.duration_since(all.began).as_secs_f64().max(1.0);
        if all.count == 0 {
            return Summary { average: f64::NAN, min: f64::NAN, max: f64::NAN, per_second: 0.0 };
        }
        Summary { average: all.sum / all.count as f64, min: all.min, max: all.max, per_second: all.sum / seconds }
    }
}
