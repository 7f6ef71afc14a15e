//! The one way to the time of day, so that everything above can be given a reading instead of taking one; and to the time that
//! passes, which nobody sets: what is waited for is measured by that.

use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// Tells the time. Only `app`, `feed`, `delivery`, `web` and `console` hold one, and `site` reads the machine's for what
/// certificates say; the pure layer is handed readings.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;

    /// How long this process has been running, whatever is done to the time of day. Only differences mean something.
    fn steady(&self) -> Duration;

    /// By how much the machine's time of day was set while this was running, where that is not believed; `now` goes on by the time
    /// that passes.
    fn offset(&self) -> SignedDuration {
        SignedDuration::ZERO
    }
}

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Corrections that are no larger are followed at once: what a machine that keeps its time is put right by.
const FOLLOWED: SignedDuration = SignedDuration::from_secs(10);

/// Tells a time of day that nobody can set under a running gateway: where the machine's is found to have been set, by more than a
/// correction, the time that passed counts until the gateway is started anew or the machine put right. A machine that slept was not set.
#[derive(Debug)]
pub struct Sound(Mutex<Known>);

#[derive(Debug, Clone, Copy)]
struct Known {
    wall: Timestamp,
    steady: Duration,
    /// How long the machine has slept so far.
    slept: Duration,
    offset: SignedDuration,
}

impl Sound {
    pub fn new(wall: Timestamp, steady: Duration, slept: Duration) -> Self {
        Self(Mutex::new(Known { wall, steady, slept, offset: SignedDuration::ZERO }))
    }

    /// `slept` is asked only where the two readings do not agree.
    pub fn read(&self, wall: Timestamp, steady: Duration, slept: impl FnOnce() -> Duration) -> Timestamp {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = |time: Duration| SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
        let mut expected = add(known.wall, passed(steady.saturating_sub(known.steady)));
        if wall.duration_since(expected).abs() > FOLLOWED {
            let slept = slept();
            expected = add(expected, passed(slept.saturating_sub(known.slept)));
            known.slept = slept;
        }
        let offset = wall.duration_since(expected);
        let is_followed = offset.abs() <= FOLLOWED;
        known.offset = if is_followed { SignedDuration::ZERO } else { offset };
        (known.wall, known.steady) = (if is_followed { wall } else { expected }, known.steady.max(steady));
        known.wall
    }

    pub fn offset(&self) -> SignedDuration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).offset
    }
}

fn add(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.saturating_add(by).unwrap_or(Timestamp::MAX)
}

static SOUND: LazyLock<Sound> = LazyLock::new(|| {
    let steady = START.elapsed();
    Sound::new(Timestamp::now(), steady, slept(steady))
});

/// How long the machine slept since it was started, beside what it ran: nothing where it does not say. Only differences mean
/// something.
fn slept(steady: Duration) -> Duration {
    let text = std::fs::read_to_string("/proc/uptime").unwrap_or_default();
    let seconds = text.split_whitespace().next().and_then(|seconds| seconds.parse::<f64>().ok());
    let up = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    up.map_or(Duration::ZERO, |up| up.saturating_sub(steady))
}

/// The machine's clock, as far as it is sound.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // Before the readings: it is made of earlier ones.
        let sound = &*SOUND;
        let (wall, steady) = (Timestamp::now(), self.steady());
        sound.read(wall, steady, || slept(steady))
    }

    fn steady(&self) -> Duration {
        START.elapsed()
    }

    fn offset(&self) -> SignedDuration {
        SOUND.offset()
    }
}

/// A clock that stands until it is moved: for tests and for running stories faster than life.
#[derive(Debug)]
pub struct ManualClock(Mutex<(Timestamp, Duration)>);

impl ManualClock {
    pub fn at(start: Timestamp) -> Self {
        Self(Mutex::new((start, Duration::ZERO)))
    }

    /// Time passes.
    pub fn advance(&self, by: SignedDuration) {
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reading.0 = reading.0.saturating_add(by).unwrap_or(reading.0);
        reading.1 = reading.1.saturating_add(Duration::try_from(by).unwrap_or_default());
    }

    /// Somebody sets the time of day, forward or back; no time passes.
    pub fn set(&self, by: SignedDuration) {
        let mut reading = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reading.0 = reading.0.saturating_add(by).unwrap_or(reading.0);
    }

    fn reading(&self) -> (Timestamp, Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.reading().0
    }

    fn steady(&self) -> Duration {
        self.reading().1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day() -> Timestamp {
        "2026-03-02T10:00:00Z".parse().unwrap()
    }

    const fn secs(seconds: i64) -> SignedDuration {
        SignedDuration::from_secs(seconds)
    }

    const NONE: fn() -> Duration = || Duration::ZERO;

    #[test]
    fn a_time_of_day_that_was_set_is_not_believed_and_time_goes_on() {
        for set in
            [secs(3_600), secs(-3_600), SignedDuration::from_hours(40 * 24), SignedDuration::from_hours(-40 * 24)]
        {
            let sound = Sound::new(day(), Duration::from_secs(5), Duration::ZERO);
            let at = |second: u64| Duration::from_secs(5 + second);
            assert_eq!(sound.read(day() + secs(60), at(60), NONE), day() + secs(60));
            assert_eq!(sound.read(day() + secs(61) + set, at(61), NONE), day() + secs(61));
            assert_eq!(sound.offset(), set);
            assert_eq!(sound.read(day() + secs(700) + set, at(700), NONE), day() + secs(700), "time goes on");
        }
    }

    #[test]
    fn what_is_set_back_to_what_it_was_is_believed_again() {
        let sound = Sound::new(day(), Duration::ZERO, Duration::ZERO);
        sound.read(day() + secs(3_600), Duration::ZERO, NONE);
        assert_eq!(sound.read(day() + secs(100), Duration::from_secs(99), NONE), day() + secs(100));
        assert_eq!(sound.offset(), SignedDuration::ZERO);
    }

    #[test]
    fn small_corrections_and_sleep_are_followed() {
        let sound = Sound::new(day(), Duration::ZERO, Duration::from_secs(9));
        for minute in 1..100 {
            // Ten seconds too many each time.
            let wall = day() + secs(minute * 70);
            assert_eq!(sound.read(wall, Duration::from_secs(60 * minute as u64), || panic!()), wall);
        }
        let wall = day() + secs(99 * 70 + 8 * 3_600);
        let slept = || Duration::from_secs(9 + 8 * 3_600);
        assert_eq!(sound.read(wall, Duration::from_secs(60 * 99), slept), wall);
        assert_eq!(sound.offset(), SignedDuration::ZERO);
    }

    #[test]
    fn readings_that_come_in_another_order_than_they_were_taken_set_nothing() {
        let sound = Sound::new(day(), Duration::ZERO, Duration::ZERO);
        sound.read(day() + secs(5), Duration::from_secs(5), NONE);
        sound.read(day() + secs(4), Duration::from_secs(4), NONE);
        assert_eq!(sound.read(day() + secs(6), Duration::from_secs(6), NONE), day() + secs(6));
        assert_eq!(sound.offset(), SignedDuration::ZERO);
    }
}
