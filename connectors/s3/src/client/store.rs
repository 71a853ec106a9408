//! One bucket and the requests that the connectors make of it.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, ObjectCannedAcl, ServerSideEncryption, StorageClass,
    Tag, Tagging,
};
use bytes::Bytes;
use sluice_api::{ConnectError, Result};

use super::credentials::{self, CredentialKeys};
use super::failure::{Failure, FailureKind, Request};
use super::http::HyperClient;
use super::stream::{Dial, Proxy};

/// One request with its body, at most; a part of 5 MiB over 1 Mbit/s takes 42 s.
const ATTEMPT_DEADLINE: Duration = Duration::from_secs(120);

/// Where the bucket is and how it is spoken to.
#[derive(Clone)]
pub(crate) struct StoreConfig {
    pub(crate) bucket: String,
    pub(crate) region: String,
    /// Another address than that of AWS, with its scheme.
    pub(crate) endpoint: Option<String>,
    pub(crate) path_style: bool,
    pub(crate) accelerate: bool,
    pub(crate) credentials: CredentialKeys,
    pub(crate) proxy: Option<Proxy>,
    /// Requests per request, the first one included.
    pub(crate) attempts: u32,
    pub(crate) first_backoff: Duration,
    pub(crate) objects: ObjectOptions,
}

/// What every object is given.
#[derive(Clone, Default)]
pub(crate) struct ObjectOptions {
    pub(crate) acl: Option<ObjectCannedAcl>,
    pub(crate) storage_class: Option<StorageClass>,
    pub(crate) encryption: Option<ServerSideEncryption>,
    pub(crate) kms_key: Option<String>,
    /// The customer's key in base64, and its MD5 in base64.
    pub(crate) customer_key: Option<(String, String)>,
}

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) key: String,
    pub(crate) bytes: u64,
    pub(crate) etag: String,
}

/// A bucket; cheap to clone.
#[derive(Clone)]
pub(crate) struct Store {
    client: Client,
    bucket: Arc<str>,
    endpoint: Arc<str>,
    region: Arc<str>,
    /// TLS guards bodies: their SHA-256 would cost more than everything else that is done to them. Their checksum stays.
    encrypted: bool,
    objects: Arc<ObjectOptions>,
}

/// Sets what all requests that write an object have in common.
macro_rules! with_options {
    ($request:expr, $options:expr) => {{
        let options = $options;
        let (key, md5) = options.customer_key.clone().unzip();
        $request
            .set_acl(options.acl.clone())
            .set_storage_class(options.storage_class.clone())
            .set_server_side_encryption(options.encryption.clone())
            .set_ssekms_key_id(options.kms_key.clone())
            .set_sse_customer_algorithm(key.as_ref().map(|_| "AES256".to_owned()))
            .set_sse_customer_key(key)
            .set_sse_customer_key_md5(md5)
    }};
}

impl Store {
    /// Connects to nothing yet; finds out what credentials there are.
    ///
    /// # Errors
    /// `Connect` when TLS cannot be set up.
    pub(crate) async fn open(config: &StoreConfig) -> Result<Self> {
        let http = HyperClient::new(Dial::new(config.proxy.clone())?);
        let sdk = credentials::resolve(config, http).await;
        let mut builder = aws_sdk_s3::config::Builder::from(&sdk)
            .force_path_style(config.path_style)
            .accelerate(config.accelerate)
            // A checksum of every part is checked by S3; other stores may not know the newer ones.
            .request_checksum_calculation(RequestChecksumCalculation::WhenSupported)
            .response_checksum_validation(ResponseChecksumValidation::WhenSupported)
            .retry_config(
                RetryConfig::adaptive().with_max_attempts(config.attempts).with_initial_backoff(config.first_backoff),
            )
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_DEADLINE).build());
        if let Some(endpoint) = &config.endpoint {
            builder = builder.endpoint_url(endpoint);
        }
        let encrypted = !config.endpoint.as_deref().is_some_and(|url| url.starts_with("http://"));
        let endpoint = config.endpoint.clone().unwrap_or_else(|| format!("S3 in {}", config.region));
        Ok(Self {
            client: Client::from_conf(builder.build()),
            bucket: config.bucket.as_str().into(),
            endpoint: endpoint.into(),
            region: config.region.as_str().into(),
            encrypted,
            objects: Arc::new(config.objects.clone()),
        })
    }

    fn request<'a>(&'a self, action: &'static str, key: &'a str) -> Request<'a> {
        Request { action, bucket: &self.bucket, key, endpoint: &self.endpoint, region: &self.region }
    }

    /// Asks whether the bucket is there. An answer without rights, or from another region, counts as there, as in the peer:
    /// writing may be allowed where listing is not.
    ///
    /// # Errors
    /// `Missing` when it is not there.
    pub(crate) async fn check_bucket(&self) -> Result<(), Failure> {
        match self.client.head_bucket().bucket(&*self.bucket).send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.raw_response().map(|response| response.status().as_u16()) {
                Some(301 | 307 | 400 | 403) => Ok(()),
                _ => Err(Failure::of(error, self.request("s3:ListBucket", ""))),
            },
        }
    }

    /// Writes a whole object.
    ///
    /// # Errors
    /// See [`FailureKind`].
    pub(crate) async fn put(&self, key: &str, body: Bytes) -> Result<(), Failure> {
        let request = self.client.put_object().bucket(&*self.bucket).key(key).body(ByteStream::from(body));
        let request = with_options!(request, &*self.objects);
        let sent = match self.encrypted {
            true => request.customize().disable_payload_signing().send().await,
            false => request.send().await,
        };
        sent.map(drop).map_err(|error| Failure::of(error, self.request("s3:PutObject", key)))
    }

    /// Begins an object of several parts; returns the upload's id.
    ///
    /// # Errors
    /// See [`FailureKind`].
    pub(crate) async fn begin(&self, key: &str) -> Result<Arc<str>, Failure> {
        // The SDK sends a CRC-32 with every part; a store that was not told so at the beginning knows none when the parts are put
        // together.
        let request = self.client.create_multipart_upload().bucket(&*self.bucket).key(key);
        let request = request.checksum_algorithm(ChecksumAlgorithm::Crc32);
        let sent = with_options!(request, &*self.objects).send().await;
        let begun = sent.map_err(|error| Failure::of(error, self.request("s3:PutObject", key)))?;
        begun.upload_id().map(Into::into).ok_or_else(|| self.nonsense(key, "an upload without id"))
    }

    /// Writes part `number`, from 1. Every part but the last has at least 5 MiB.
    ///
    /// # Errors
    /// See [`FailureKind`].
    pub(crate) async fn part(&self, key: &str, id: &str, number: i32, body: Bytes) -> Result<CompletedPart, Failure> {
        let (customer_key, md5) = self.objects.customer_key.clone().unzip();
        let request = self.client.upload_part().bucket(&*self.bucket).key(key).upload_id(id).part_number(number);
        let request = request
            .set_sse_customer_algorithm(customer_key.as_ref().map(|_| "AES256".to_owned()))
            .set_sse_customer_key(customer_key)
            .set_sse_customer_key_md5(md5)
            .body(ByteStream::from(body));
        let sent = match self.encrypted {
            true => request.customize().disable_payload_signing().send().await,
            false => request.send().await,
        };
        let written = sent.map_err(|error| Failure::of(error, self.request("s3:PutObject", key)))?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(written.e_tag)
            .set_checksum_crc32(written.checksum_crc32)
            .set_checksum_crc64_nvme(written.checksum_crc64_nvme)
            .build())
    }

    /// Puts the parts together: only now is there an object.
    ///
    /// # Errors
    /// See [`FailureKind`].
    pub(crate) async fn complete(&self, key: &str, id: &str, parts: Vec<CompletedPart>) -> Result<(), Failure> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = self.client.complete_multipart_upload().bucket(&*self.bucket).key(key).upload_id(id);
        let sent = request.multipart_upload(parts).send().await;
        sent.map(drop).map_err(|error| Failure::of(error, self.request("s3:PutObject", key)))
    }

    /// Gives an upload up, so that its parts cost nothing.
    ///
    /// # Errors
    /// See [`FailureKind`].
    pub(crate) async fn abort(&self, key: &str, id: &str) -> Result<(), Failure> {
        let sent = self.client.abort_multipart_upload().bucket(&*self.bucket).key(key).upload_id(id).send().await;
        sent.map(drop).map_err(|error| Failure::of(error, self.request("s3:AbortMultipartUpload", key)))
    }

    /// The tag of an object, `None` when there is none.
    ///
    /// # Errors
    /// See [`FailureKind`].
    pub(crate) async fn etag(&self, key: &str) -> Result<Option<String>, Failure> {
        match self.client.head_object().bucket(&*self.bucket).key(key).send().await {
            Ok(found) => Ok(found.e_tag),
            Err(error) => {
                let failure = Failure::of(error, self.request("s3:GetObject", key));
                if failure.kind == FailureKind::Missing { Ok(None) } else { Err(failure) }
            }
        }
    }

    /// Tags an object.
    ///
    /// # Errors
    /// See [`FailureKind`].
    pub(crate) async fn tag(&self, key: &str, tags: &[(String, String)]) -> Result<(), Failure> {
        let mut set = Tagging::builder();
        for (name, value) in tags {
            let tag = Tag::builder().key(name).value(value).build();
            set = set.tag_set(tag.map_err(|error| self.unmade(key, error))?);
        }
        let tagging = set.build().map_err(|error| self.unmade(key, error))?;
        let sent = self.client.put_object_tagging().bucket(&*self.bucket).key(key).tagging(tagging).send().await;
        sent.map(drop).map_err(|error| Failure::of(error, self.request("s3:PutObjectTagging", key)))
    }

    /// Uploads below `prefix` that were begun and neither completed nor aborted: key and id.
    ///
    /// # Errors
    /// See [`FailureKind`].
    pub(crate) async fn unfinished(&self, prefix: &str) -> Result<Vec<(String, String)>, Failure> {
        let sent = self.client.list_multipart_uploads().bucket(&*self.bucket).prefix(prefix).send().await;
        let listed = sent.map_err(|error| Failure::of(error, self.request("s3:ListBucketMultipartUploads", "")))?;
        let pair = |upload: &aws_sdk_s3::types::MultipartUpload| {
            Some((upload.key()?.to_owned(), upload.upload_id()?.to_owned()))
        };
        Ok(listed.uploads().iter().filter_map(pair).collect())
    }

    /// A page of the objects whose names begin with `prefix`, in the order of their names, behind `after`; the second value is
    /// what the next page is asked for with.
    ///
    /// # Errors
    /// See [`FailureKind`].
    pub(crate) async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        page: Option<String>,
    ) -> Result<(Vec<Found>, Option<String>), Failure> {
        let request = self.client.list_objects_v2().bucket(&*self.bucket).prefix(prefix);
        let request = request.set_start_after(after.map(str::to_owned)).set_continuation_token(page);
        let listed = request.send().await.map_err(|error| Failure::of(error, self.request("s3:ListBucket", "")))?;
        let found = |object: &aws_sdk_s3::types::Object| {
            let bytes = u64::try_from(object.size()?).ok()?;
            Some(Found { key: object.key()?.to_owned(), bytes, etag: object.e_tag().unwrap_or_default().to_owned() })
        };
        let next = listed.next_continuation_token().filter(|_| listed.is_truncated() == Some(true));
        Ok((listed.contents().iter().filter_map(found).collect(), next.map(str::to_owned)))
    }

    /// The bytes of an object from `start` up to `end`.
    ///
    /// # Errors
    /// `Missing` when it is gone, `Changed` when it is not the one with this tag any more.
    pub(crate) async fn range(&self, key: &str, etag: &str, start: u64, end: u64) -> Result<Bytes, Failure> {
        let (customer_key, md5) = self.objects.customer_key.clone().unzip();
        let request = self.client.get_object().bucket(&*self.bucket).key(key);
        let request = request
            .set_sse_customer_algorithm(customer_key.as_ref().map(|_| "AES256".to_owned()))
            .set_sse_customer_key(customer_key)
            .set_sse_customer_key_md5(md5)
            .set_if_match(Some(etag.to_owned()).filter(|tag| !tag.is_empty()))
            .range(format!("bytes={start}-{}", end.saturating_sub(1)));
        let answered = request.send().await.map_err(|error| Failure::of(error, self.request("s3:GetObject", key)))?;
        let bytes = answered.body.collect().await.map_err(|error| {
            let message = format!("s3:GetObject of `{key}` in bucket `{}` broke off: {error}", self.bucket);
            Failure::new(FailureKind::Retriable, ConnectError::retriable(message))
        })?;
        let bytes = bytes.into_bytes();
        if bytes.len() as u64 != end - start {
            return Err(self.nonsense(key, &format!("{} bytes instead of {}", bytes.len(), end - start)));
        }
        Ok(bytes)
    }

    fn nonsense(&self, key: &str, what: &str) -> Failure {
        let message = format!("{} answered with {what} for `{key}`", self.endpoint);
        Failure::new(FailureKind::Retriable, ConnectError::retriable(message))
    }

    fn unmade(&self, key: &str, error: aws_sdk_s3::error::BuildError) -> Failure {
        let message = format!("cannot make the request for `{key}`");
        Failure::new(FailureKind::Fatal, ConnectError::connect(message).with_source(error))
    }
}
