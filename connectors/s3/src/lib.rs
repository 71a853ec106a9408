//! Topics to objects of S3 and back, under Confluent's names and keys and under Aiven's.
//!
//! # Design
//!
//! ```text
//! put ─► per topic partition: folder (partitioner) ─► ends before? ─► append to values, keys, headers ─► ends after?
//!          │                                           rotate                                              rotate
//!          └─► an object: format ─► gzip ─► part being filled ─► full: sent beside the reading, several at a time
//! rotate ─► last part, complete (or one PUT for what is smaller than a part) ─► complete: its offsets may be committed
//! ```
//!
//! **Exactly once.** A rotation completes all open objects of a topic partition and leaves nothing behind, so what comes after
//! depends on the records after it alone. An object's name has its first offset. Offsets are committed only behind rotations whose
//! objects are complete, in order (Invariant 2). A crash therefore reads again from the first record of an incomplete rotation and
//! writes the same objects under the same names. Rotation by schedule or silence, and folders by the clock of the machine, depend
//! on more than the records: they give at least once, and commit as soon as an object is complete.
//!
//! **Memory.** A task keeps to its share of `sluice.memory.budget`: when the buffers of open objects and of requests on their way
//! are more, it waits for the store, then moves the buffers that were written to least recently to `sluice.spill.dir`; objects end
//! where the configuration says all the same. A small object has no compression stream: it is compressed when it ends. Only
//! when the folder is full as well, or the store does not keep up, does intake pause: log and status name it
//! (`PAUSED_BY_FULL_SPILL_FOLDER`, `PAUSED_BY_SLOW_STORE`) with the cure.
//!
//! **Trouble.** A request that may succeed later is repeated until it does; its body stays. An upload whose parts are gone is made
//! anew from the topic. Anything else fails the task with action, object and cure. A record that does not fit goes where `errors.*`
//! says and is in no object (Invariant 3).
//!
//! **Back.** A source task lists the bucket again and again, takes the objects that are its own (a partition's are one task's), orders them
//! by topic, partition and first offset, and reads one after another by byte ranges ([`source`]). Each object is a source
//! partition with its own offset, so a late object is found whatever its name, and a restart goes on inside of an object. Values,
//! keys and headers of the same records are read side by side; a set waits until all of it is there (Invariant 3).

mod aiven;
mod client;
mod connection;
mod format;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod keys;
mod partitioner;
mod sink;
mod source;
#[cfg(test)]
mod testing;

use sluice_api::ConnectorPlugin;

/// The version of Confluent's connector whose behaviour this has.
const VERSION: &str = "12.1.0";

/// The connectors.
pub fn plugins() -> Vec<Box<dyn ConnectorPlugin>> {
    vec![
        Box::new(sink::SinkPlugin),
        Box::new(sink::AivenSinkPlugin),
        Box::new(source::SourcePlugin(source::Vendor::Confluent)),
        Box::new(source::SourcePlugin(source::Vendor::Aiven)),
    ]
}
