//! One registry as a converter uses it: which schema a record is written with, and the schemas that records were written with.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sluice_api::{ConnectError, Result};

use super::cache::Cache;
use super::client::RegistryClient;
use super::config::{RegistryConfig, WritePolicy};
use super::schema::{Referenced, RegisteredSchema, SchemaFormat, SchemaText};
use super::subjects::SubjectNameStrategy;

/// A schema may refer to this many others, directly or not; more is a loop or an attack.
const MOST_REFERENCES: usize = 1000;

/// The schema that a record is written with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    /// The id that goes in front of the payload.
    pub(crate) id: i32,
    /// The registry's schema when it takes the place of the record's own.
    pub(crate) instead: Option<Arc<SchemaText>>,
    /// The key that asks for a check: the registry's schema must be able to read what the record's own writes.
    pub(crate) strict: Option<&'static str>,
}

/// A registry with caches. One per converter, used from one thread.
#[derive(Debug)]
pub(crate) struct Registry {
    client: RegistryClient,
    format: SchemaFormat,
    is_key: bool,
    strategy: SubjectNameStrategy,
    policy: WritePolicy,
    use_latest_version: bool,
    normalize: bool,
    latest_ttl: Option<Duration>,
    written: Cache<(String, SchemaText), i32>,
    latest: Cache<String, (Instant, RegisteredSchema)>,
    by_id: Cache<i32, Arc<SchemaText>>,
    versions: Cache<(String, i32), Option<i32>>,
}

impl Registry {
    /// The registry for keys or values of one format; nothing is asked yet.
    ///
    /// # Errors
    /// `Config` when certificates or addresses cannot be used.
    pub(crate) fn new(config: &RegistryConfig, format: SchemaFormat, is_key: bool) -> Result<Self> {
        Ok(Self {
            client: RegistryClient::new(&config.client)?,
            format,
            is_key,
            strategy: if is_key { config.key_strategy } else { config.value_strategy },
            policy: config.write_policy,
            use_latest_version: config.use_latest_version,
            normalize: config.normalize,
            latest_ttl: config.latest_cache_ttl,
            written: Cache::new(config.max_schemas),
            latest: Cache::new(config.latest_cache_size),
            by_id: Cache::new(config.max_schemas),
            versions: Cache::new(config.max_schemas),
        })
    }

    /// The subject of records of `topic`; `record` is the schema's full name if it has one.
    ///
    /// # Errors
    /// `Data` when the strategy needs a name and there is none.
    pub(crate) fn subject(&self, topic: &str, record: Option<&str>) -> Result<String> {
        self.strategy.subject(topic, self.is_key, record)
    }

    /// Whether the subject depends on the schema, and so is not known before the schema is.
    pub(crate) fn subject_uses_schema(&self) -> bool {
        self.strategy.uses_schema()
    }

    /// The schema that a record with `schema` is written with under `subject`.
    ///
    /// # Errors
    /// `Data` with the registry's explanation when it refuses the schema, `Config` when it refuses the caller, `Retriable` when it
    /// is away.
    pub(crate) fn choose(&mut self, subject: &str, schema: &SchemaText) -> Result<Chosen> {
        match self.policy {
            WritePolicy::Register => self.own(subject, schema, true),
            WritePolicy::LookUp => self.own(subject, schema, false),
            WritePolicy::Id { id, strict } => {
                let instead = self.schema(id, Some(subject))?;
                Ok(Chosen { id, instead: Some(instead), strict: strict.then_some("id.compatibility.strict") })
            }
            WritePolicy::Latest { strict } => {
                let latest = self.latest(subject)?;
                let strict = strict.then_some("latest.compatibility.strict");
                Ok(Chosen { id: latest.id, instead: Some(latest.schema), strict })
            }
        }
    }

    /// Whether what [`Registry::choose`] says may be kept: with a time to live it has to be asked again.
    pub(crate) fn choice_lasts(&self) -> bool {
        self.latest_ttl.is_none() || !matches!(self.policy, WritePolicy::Latest { .. })
    }

    /// Whether records are written with the schema that they come with.
    pub(crate) fn writes_own(&self) -> bool {
        matches!(self.policy, WritePolicy::Register | WritePolicy::LookUp)
    }

    fn own(&mut self, subject: &str, schema: &SchemaText, register: bool) -> Result<Chosen> {
        let key = (subject.to_owned(), schema.clone());
        let id = match self.written.get(&key) {
            Some(id) => *id,
            None => {
                let word = self.format.word();
                let (id, doing) = if register {
                    let id = self.client.register(subject, schema, self.normalize);
                    (id, format!("Error registering {word} schema under subject {subject}"))
                } else {
                    let found = self.client.look_up(subject, schema, self.normalize);
                    (found.map(|(id, _)| id), format!("Error retrieving {word} schema of subject {subject}"))
                };
                let id = id.map_err(|error| error.into_connect(doing))?;
                self.written.insert(key, id);
                id
            }
        };
        Ok(Chosen { id, instead: None, strict: None })
    }

    /// The schema with that id. `subject` only tells a registry with contexts where to look.
    ///
    /// # Errors
    /// As for [`Registry::choose`]; `Data` also when the schema is of another format.
    pub(crate) fn schema(&mut self, id: i32, subject: Option<&str>) -> Result<Arc<SchemaText>> {
        if let Some(schema) = self.by_id.get(&id) {
            return Ok(schema.clone());
        }
        let part = self.part();
        let doing = format!("Error retrieving {} {part} schema for id {id}", self.format.word());
        let schema = self.client.schema(id, subject).map_err(|error| error.into_connect(doing))?;
        let schema = Arc::new(self.of_format(schema, &format!("id {id}"))?);
        self.by_id.insert(id, schema.clone());
        Ok(schema)
    }

    /// The schema that records are read with instead of the one that they were written with: the newest of the subject, with
    /// `use.latest.version`.
    ///
    /// # Errors
    /// As for [`Registry::choose`].
    pub(crate) fn reader_schema(&mut self, subject: &str) -> Result<Option<RegisteredSchema>> {
        if self.use_latest_version { self.latest(subject).map(Some) } else { Ok(None) }
    }

    /// Whether records are read with another schema than they were written with, which may change while the converter lives.
    pub(crate) fn reads_latest(&self) -> bool {
        self.use_latest_version
    }

    fn latest(&mut self, subject: &str) -> Result<RegisteredSchema> {
        if let Some((since, latest)) = self.latest.get(subject)
            && self.latest_ttl.is_none_or(|ttl| since.elapsed() < ttl)
        {
            return Ok(latest.clone());
        }
        let doing = format!("Error retrieving latest version of {} schema of subject {subject}", self.format.word());
        let latest = self.client.latest(subject).map_err(|error| error.into_connect(doing))?;
        let schema = Arc::unwrap_or_clone(latest.schema);
        let schema = Arc::new(self.of_format(schema, &format!("subject {subject}"))?);
        let latest = RegisteredSchema { schema, ..latest };
        self.latest.insert(subject.to_owned(), (Instant::now(), latest.clone()));
        Ok(latest)
    }

    /// The version that `schema`, which has this id, has in `subject`; `None` when it is not registered there.
    ///
    /// # Errors
    /// As for [`Registry::choose`], except that a missing schema is no error: the version is only told along.
    pub(crate) fn version(&mut self, subject: &str, id: i32, schema: &SchemaText) -> Result<Option<i32>> {
        let key = (subject.to_owned(), id);
        if let Some(version) = self.versions.get(&key) {
            return Ok(*version);
        }
        let version = match self.client.look_up(subject, schema, self.normalize) {
            Ok((_, version)) => version,
            Err(error) if error.is_not_found() => None,
            Err(error) => {
                let part = self.part();
                let doing = format!("Error retrieving {} {part} schema version for id {id}", self.format.word());
                return Err(error.into_connect(doing));
            }
        };
        self.versions.insert(key, version);
        Ok(version)
    }

    /// Every schema that `schema` refers to, directly or not, each once and after those that it refers to itself.
    ///
    /// # Errors
    /// As for [`Registry::choose`]; `Data` also when there are more than a thousand.
    pub(crate) fn referenced(&mut self, schema: &SchemaText) -> Result<Vec<Referenced>> {
        let mut found = Vec::new();
        self.collect_references(schema, &mut Vec::new(), &mut found)?;
        Ok(found)
    }

    fn collect_references(
        &mut self,
        schema: &SchemaText,
        open: &mut Vec<String>,
        found: &mut Vec<Referenced>,
    ) -> Result<()> {
        for reference in &schema.references {
            if open.contains(&reference.name) || found.iter().any(|known| known.name == reference.name) {
                continue;
            }
            if open.len() + found.len() >= MOST_REFERENCES {
                return Err(ConnectError::data(format!("the schema refers to more than {MOST_REFERENCES} others")));
            }
            let (subject, version) = (&reference.subject, reference.version);
            let doing = format!(
                "Error retrieving version {version} of subject {subject}, which is referred to as {}",
                reference.name
            );
            let registered = self.client.version(subject, version).map_err(|error| error.into_connect(doing))?;
            let text = Arc::unwrap_or_clone(registered.schema);
            let text = Arc::new(self.of_format(text, &format!("subject {subject}, version {version}"))?);
            open.push(reference.name.clone());
            self.collect_references(&text, open, found)?;
            open.pop();
            found.push(Referenced { name: reference.name.clone(), schema: text });
        }
        Ok(())
    }

    fn of_format(&self, schema: SchemaText, what: &str) -> Result<SchemaText> {
        if schema.format == self.format {
            return Ok(schema);
        }
        let (ours, theirs) = (self.format.name(), schema.format.name());
        Err(ConnectError::data(format!("the schema of {what} is of type {theirs}, expected {ours}")))
    }

    fn part(&self) -> &'static str {
        if self.is_key { "key" } else { "value" }
    }
}
