//! The carrier contract on its double.

use super::*;
use crate::connector::OffsetStorageReader;
use crate::error::ErrorKind;
use crate::testkit::{CarrierDriver, MemoryOffsets};

async fn started(target: &Arc<AckTarget>, end: u64, driver: &CarrierDriver) -> CarrierDouble {
    let mut carrier = CarrierDouble::new(target.clone(), end, 10);
    carrier.start(driver.context(), &Properties::new()).await.expect("it starts");
    carrier
}

/// Lets the carrier, which runs beside the test on the same thread, take notice.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn progress_is_reported_only_after_acknowledgements() {
    // Invariant 1.
    let (target, driver) = (Arc::new(AckTarget::new()), CarrierDriver::new(Arc::default()));
    let mut carrier = started(&target, 100, &driver).await;
    let script = async {
        target.wait_for_written(10).await;
        settle().await;
        assert_eq!(driver.progress().records(), 0);
        for acknowledged in [1, 4, 5] {
            target.acknowledge(acknowledged);
            target.wait_for_written(10 + acknowledged).await;
            settle().await;
            assert_eq!(driver.progress().records(), acknowledged);
        }
        let last = driver.progress().reports().pop().expect("a report");
        assert_eq!(last.source_offset.get("next"), Some(&Value::Int64(5)));
        driver.set_state(RunState::Stopping);
        target.acknowledge(100);
    };
    let (ended, ()) = tokio::join!(carrier.run(), script);
    ended.expect("it stops");
}

#[tokio::test]
async fn a_cancelled_carrier_reports_nothing_and_writes_nothing_more() {
    // Invariant 5.
    let offsets = Arc::new(MemoryOffsets::new());
    let (target, driver) = (Arc::new(AckTarget::new()), CarrierDriver::new(offsets.clone()));
    let mut carrier = started(&target, 100, &driver).await;
    let script = async {
        target.wait_for_written(10).await;
        target.acknowledge(2);
        target.wait_for_written(12).await;
        driver.cancel();
        target.acknowledge(12);
    };
    let (ended, ()) = tokio::join!(carrier.run(), script);
    assert_eq!(ended.expect_err("it is fenced").kind(), ErrorKind::Fenced);
    assert_eq!((driver.progress().records(), driver.progress().refused()), (2, 1));
    assert_eq!(target.written().len(), 12);
    assert!(offsets.offsets(&[CarrierDouble::source_partition()]).await.is_err());
}

#[tokio::test]
async fn a_stop_drains_what_is_in_flight() {
    // Invariant 7.
    let (target, driver) = (Arc::new(AckTarget::new()), CarrierDriver::new(Arc::default()));
    let mut carrier = started(&target, 100, &driver).await;
    let script = async {
        target.wait_for_written(10).await;
        driver.set_state(RunState::Stopping);
        settle().await;
        target.acknowledge(10);
    };
    let (ended, ()) = tokio::join!(carrier.run(), script);
    ended.expect("it stops");
    assert_eq!((target.written().len(), driver.progress().records()), (10, 10));
}

#[tokio::test]
async fn a_paused_carrier_finishes_what_is_in_flight_and_goes_on_later() {
    let (target, driver) = (Arc::new(AckTarget::new()), CarrierDriver::new(Arc::default()));
    let mut carrier = started(&target, 15, &driver).await;
    let script = async {
        target.wait_for_written(10).await;
        driver.set_state(RunState::Paused);
        target.acknowledge(10);
        settle().await;
        assert_eq!((target.written().len(), driver.progress().records()), (10, 10));
        driver.set_state(RunState::Running);
        target.wait_for_written(15).await;
        driver.set_state(RunState::Stopping);
        target.acknowledge(15);
    };
    let (ended, ()) = tokio::join!(carrier.run(), script);
    ended.expect("it stops");
    assert_eq!(driver.progress().records(), 15);
}

#[tokio::test]
async fn a_crash_loses_nothing() {
    // Invariant 7: whatever was in flight at the crash comes again.
    let offsets = Arc::new(MemoryOffsets::new());
    let target = Arc::new(AckTarget::new());
    let first = CarrierDriver::new(offsets.clone());
    let mut carrier = started(&target, 30, &first).await;
    let crash = async {
        target.wait_for_written(10).await;
        target.acknowledge(7);
        target.wait_for_written(17).await;
        settle().await;
        first.flush();
    };
    tokio::select! {
        ended = carrier.run() => panic!("it ended by itself: {ended:?}"),
        () = crash => {}
    }
    drop(carrier);
    let second = CarrierDriver::new(offsets);
    let mut carrier = started(&target, 30, &second).await;
    let script = async {
        for written in 18..=40 {
            target.wait_for_written(written).await;
            target.acknowledge(written);
        }
        second.set_state(RunState::Stopping);
    };
    let (ended, ()) = tokio::join!(carrier.run(), script);
    ended.expect("it stops");
    let mut numbers = target.written();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers, (0..30).collect::<Vec<_>>());
}
