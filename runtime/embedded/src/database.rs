//! Our own connection to the broker's SQLite file, next to the library's.
//!
//! Owns what the library lacks: indexes, compaction, forgetting members that cannot be alive, deleting one committed
//! offset, and reading a slice of a log. Used by the fetch and admin routes and by the adapter at start and stop.
//! Invariant kept: statements here run to their end without yielding on the broker's one thread, so they never meet
//! one of the library's transactions half way.

use std::path::Path;

use bytes::Bytes;
use libsql::{Connection, params};

/// The cluster's name in the library's tables, and its Kafka cluster id.
pub(crate) const CLUSTER: &str = "sluice-embedded";

const INDEXES: [&str; 2] = [
    "create index if not exists sluice_header on header (topition, offset_id)",
    "create index if not exists sluice_watermark on watermark (topition)",
];

const PARTITION: &str = "select tp.id, coalesce(w.low, 0), coalesce(w.high, 0) from topic t \
     join topition tp on tp.topic = t.id join watermark w on w.topition = tp.id";

const RECORDS: &str = "select offset_id, timestamp, k, v from record \
     where topition = ?1 and offset_id >= ?2 and offset_id < ?3 order by offset_id";

const HEADERS: &str = "select offset_id, k, v from header \
     where topition = ?1 and offset_id >= ?2 and offset_id <= ?3 order by offset_id, rowid";

const COMPACTED: &str = "select tp.id from topition tp join topic_configuration c on c.topic = tp.topic \
     where c.name = 'cleanup.policy' and c.value like '%compact%'";

const COMPACT: &str = "delete from record where topition = ?1 and k is not null \
     and offset_id not in (select max(offset_id) from record where topition = ?1 and k is not null group by k)";

const DELETE_OFFSET: &str = "delete from consumer_offset \
     where consumer_group = (select id from consumer_group where name = ?1) \
     and topition = (select tp.id from topition tp join topic t on t.id = tp.topic where t.name = ?2 and tp.partition = ?3)";

/// How a fetch request names a topic.
pub(crate) enum TopicRef<'a> {
    /// By name, up to Fetch version 12.
    Name(&'a str),
    /// By topic id, from Fetch version 13.
    Id([u8; 16]),
}

/// One partition's row id and its offsets: `low` is the first, `high` the next to be written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Partition {
    id: i64,
    pub(crate) low: i64,
    pub(crate) high: i64,
}

/// A record as stored; headers in the order they were produced.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) offset: i64,
    pub(crate) timestamp_ms: i64,
    pub(crate) key: Option<Bytes>,
    pub(crate) value: Option<Bytes>,
    pub(crate) headers: Vec<(Bytes, Option<Bytes>)>,
}

impl Stored {
    /// Bytes that the record takes in a batch, about.
    fn size(&self) -> usize {
        let bytes = |field: &Option<Bytes>| field.as_ref().map_or(0, Bytes::len);
        24 + bytes(&self.key) + bytes(&self.value)
    }
}

/// A connection that lives as long as the broker.
pub(crate) struct Database {
    connection: Connection,
}

impl Database {
    /// Opens the file that the library has created, and adds the indexes that the library's tables lack.
    pub(crate) async fn open(path: &Path) -> Result<Self, libsql::Error> {
        let connection = libsql::Builder::new_local(path).build().await?.connect()?;
        for index in INDEXES {
            connection.execute(index, ()).await?;
        }
        Ok(Self { connection })
    }

    /// Forgets the members of every group: whoever was connected before this start is gone, and waiting for its
    /// session to time out would hold up the worker. Committed offsets stay.
    pub(crate) async fn forget_members(&self) -> Result<(), libsql::Error> {
        self.connection.execute("delete from consumer_group_detail", ()).await?;
        Ok(())
    }

    /// Deletes, in compacted topics, every keyed record that a later one with the same key replaces.
    /// Offsets keep their numbers and the newest record of a partition always stays.
    pub(crate) async fn compact(&self) -> Result<u64, libsql::Error> {
        let mut partitions = Vec::new();
        let mut rows = self.connection.query(COMPACTED, ()).await?;
        while let Some(row) = rows.next().await? {
            partitions.push(row.get::<i64>(0)?);
        }
        drop(rows);
        let mut deleted = 0;
        for partition in partitions {
            deleted += self.connection.execute(COMPACT, [partition]).await?;
        }
        Ok(deleted)
    }

    /// Moves the write-ahead log into the database file, so that a stopped broker is one file.
    pub(crate) async fn checkpoint(&self) -> Result<(), libsql::Error> {
        let mut rows = self.connection.query("pragma wal_checkpoint(truncate)", ()).await?;
        while rows.next().await?.is_some() {}
        Ok(())
    }

    /// `None` when there is no such topic or partition.
    pub(crate) async fn partition(&self, topic: &TopicRef<'_>, index: i32) -> Result<Option<Partition>, libsql::Error> {
        let mut rows = match topic {
            TopicRef::Name(name) => {
                let sql = format!("{PARTITION} where t.name = ?1 and tp.partition = ?2");
                self.connection.query(&sql, params![*name, index]).await?
            }
            TopicRef::Id(id) => {
                let sql = format!("{PARTITION} where replace(t.uuid, '-', '') = ?1 and tp.partition = ?2");
                let hex = format!("{:032x}", u128::from_be_bytes(*id));
                self.connection.query(&sql, params![hex, index]).await?
            }
        };
        let Some(row) = rows.next().await? else {
            return Ok(None);
        };
        Ok(Some(Partition { id: row.get(0)?, low: row.get(1)?, high: row.get(2)? }))
    }

    /// The records from `offset` on, in order, until they pass `max_bytes`. A first record that is larger is given
    /// all the same when `at_least_one` is set: without it a large record would never leave the broker.
    pub(crate) async fn read(
        &self,
        partition: &Partition,
        offset: i64,
        max_bytes: usize,
        at_least_one: bool,
    ) -> Result<Vec<Stored>, libsql::Error> {
        let mut rows = self.connection.query(RECORDS, params![partition.id, offset, partition.high]).await?;
        let mut records = Vec::new();
        let mut bytes = 0;
        while let Some(row) = rows.next().await? {
            let record = Stored {
                offset: row.get(0)?,
                timestamp_ms: row.get(1)?,
                key: row.get::<Option<Vec<u8>>>(2)?.map(Bytes::from),
                value: row.get::<Option<Vec<u8>>>(3)?.map(Bytes::from),
                headers: Vec::new(),
            };
            bytes += record.size();
            if bytes > max_bytes && !(at_least_one && records.is_empty()) {
                break;
            }
            records.push(record);
        }
        drop(rows);
        self.add_headers(partition, &mut records).await?;
        Ok(records)
    }

    async fn add_headers(&self, partition: &Partition, records: &mut [Stored]) -> Result<(), libsql::Error> {
        let (Some(first), Some(last)) = (records.first(), records.last()) else {
            return Ok(());
        };
        let range = params![partition.id, first.offset, last.offset];
        let mut rows = self.connection.query(HEADERS, range).await?;
        let mut at = 0;
        while let Some(row) = rows.next().await? {
            let offset: i64 = row.get(0)?;
            while records.get(at).is_some_and(|record| record.offset < offset) {
                at += 1;
            }
            if let Some(record) = records.get_mut(at).filter(|record| record.offset == offset) {
                let key = row.get::<Option<Vec<u8>>>(1)?.unwrap_or_default();
                let value = row.get::<Option<Vec<u8>>>(2)?.map(Bytes::from);
                record.headers.push((Bytes::from(key), value));
            }
        }
        Ok(())
    }

    /// Whether a group of that name has ever committed or joined.
    pub(crate) async fn has_group(&self, group: &str) -> Result<bool, libsql::Error> {
        let sql = "select 1 from consumer_group where name = ?1";
        let mut rows = self.connection.query(sql, [group]).await?;
        Ok(rows.next().await?.is_some())
    }

    /// The library's JSON description of a group: members, generation, assignments.
    pub(crate) async fn group_detail(&self, group: &str) -> Result<Option<String>, libsql::Error> {
        let sql = "select d.detail from consumer_group_detail d join consumer_group g on g.id = d.consumer_group \
                   where g.name = ?1";
        let mut rows = self.connection.query(sql, [group]).await?;
        rows.next().await?.map(|row| row.get(0)).transpose()
    }

    /// Removes one committed offset. No error when there was none.
    pub(crate) async fn delete_offset(&self, group: &str, topic: &str, partition: i32) -> Result<(), libsql::Error> {
        self.connection.execute(DELETE_OFFSET, params![group, topic, partition]).await?;
        Ok(())
    }
}
