//! What S3 refused, in the user's terms: the action, the object, the reason and the cure.

use std::error::Error as StdError;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use sluice_api::ConnectError;

/// What a failure means for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// The same request may succeed later: network, throttling, trouble in the store.
    Retriable,
    /// The multipart upload is not there any more: someone aborted it, its parts are gone.
    UploadGone,
    /// There is no such object.
    Missing,
    /// The object is there, but another one than was asked for.
    Changed,
    /// Nothing but a change of configuration, rights or the store helps.
    Fatal,
}

/// A request that failed for good, or for now.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    pub(crate) error: ConnectError,
}

/// What a request was about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    /// The action as policies name it, `s3:PutObject`.
    pub(super) action: &'static str,
    pub(super) bucket: &'a str,
    /// Empty for requests about the bucket.
    pub(super) key: &'a str,
    pub(super) endpoint: &'a str,
    pub(super) region: &'a str,
}

impl Failure {
    pub(crate) fn new(kind: FailureKind, error: ConnectError) -> Self {
        Self { kind, error }
    }

    /// What no repetition helps against.
    pub(crate) fn fatal(error: ConnectError) -> Self {
        Self::new(FailureKind::Fatal, error)
    }

    /// The failure of `request`.
    #[allow(clippy::needless_pass_by_value, reason = "what `map_err` gives")]
    pub(super) fn of<E>(error: SdkError<E, HttpResponse>, request: Request<'_>) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        let status = error.raw_response().map(|response| response.status().as_u16());
        let code = error.code().unwrap_or_default().to_owned();
        let said = error.message().unwrap_or_default().to_owned();
        let (kind, reason) = match (&error, status) {
            (SdkError::ConstructionFailure(_), _) => (FailureKind::Fatal, construction(&error)),
            (SdkError::DispatchFailure(_) | SdkError::TimeoutError(_), _) => dispatch(&error, request),
            (_, Some(status)) => answered(status, &code, &said, request),
            _ => (FailureKind::Retriable, format!("the answer cannot be read: {}", innermost(&error))),
        };
        let of = if request.key.is_empty() { String::new() } else { format!(" of `{}`", request.key) };
        let message = format!("{}{of} in bucket `{}` failed: {reason}", request.action, request.bucket);
        let connect = match kind {
            FailureKind::Retriable => ConnectError::retriable(message),
            _ => ConnectError::connect(message),
        };
        Self { kind, error: connect }
    }
}

fn construction(error: &(dyn StdError + 'static)) -> String {
    let cause = innermost(error);
    format!(
        "the request cannot be made: {cause}. Credentials come from `aws.access.key.id` and `aws.secret.access.key`, or else from \
         the environment, the AWS profile, a web identity or the instance's role: check the one that you use"
    )
}

fn dispatch(error: &(dyn StdError + 'static), request: Request<'_>) -> (FailureKind, String) {
    let cause = innermost(error);
    // The SDK reports credentials that cannot be had as a failure on the way.
    if chain(error).any(|text| text.contains("credentials") || text.contains("identity")) {
        return (FailureKind::Fatal, construction(error));
    }
    (FailureKind::Retriable, format!("{} cannot be reached: {cause}", request.endpoint))
}

fn answered(status: u16, code: &str, said: &str, request: Request<'_>) -> (FailureKind, String) {
    let Request { action, bucket, key, region, .. } = request;
    let spoken = if said.is_empty() { format!("HTTP {status} {code}") } else { format!("{code}: {said}") };
    let fatal = |cure: String| (FailureKind::Fatal, format!("{spoken}. {cure}"));
    match (status, code) {
        (_, "NoSuchBucket") => fatal(format!("Create the bucket `{bucket}`, or correct `s3.bucket.name`")),
        (_, "NoSuchUpload") => {
            (FailureKind::UploadGone, format!("{spoken}. Someone, or a lifecycle rule, aborted the upload"))
        }
        (301 | 307, _)
        | (_, "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException") => {
            fatal(format!("The bucket is in another region than `{region}`: correct `s3.region`"))
        }
        (_, "AccessDenied" | "AllAccessDisabled" | "AccountProblem") => {
            let object = if key.is_empty() { String::new() } else { format!("/{key}") };
            fatal(format!("Allow {action} on arn:aws:s3:::{bucket}{object} for the credentials in use"))
        }
        (_, "InvalidAccessKeyId") => {
            fatal("Correct `aws.access.key.id`, or the credentials that the environment has".into())
        }
        (_, "SignatureDoesNotMatch") => {
            fatal("The secret does not belong to the access key: correct `aws.secret.access.key`".into())
        }
        (_, "ExpiredToken" | "InvalidToken" | "TokenRefreshRequired") => {
            fatal("The session token has ended: renew the credentials and restart the task".into())
        }
        (_, "RequestTimeTooSkewed") => {
            fatal("The clock of this machine is more than 15 minutes off: correct it (NTP) and restart the task".into())
        }
        (_, "SlowDown" | "ThrottlingException" | "RequestLimitExceeded" | "TooManyRequests") | (429 | 503, _) => {
            (FailureKind::Retriable, format!("{spoken}: the store throttles, it is asked again more slowly"))
        }
        (_, "RequestTimeout" | "InternalError" | "OperationAborted") | (408 | 500..=599, _) => {
            (FailureKind::Retriable, spoken)
        }
        (412, _) | (_, "PreconditionFailed") => (FailureKind::Changed, spoken),
        (404, _) => {
            let missing = if key.is_empty() {
                format!("{spoken}. Create the bucket `{bucket}`, or correct `s3.bucket.name`")
            } else {
                spoken
            };
            (FailureKind::Missing, missing)
        }
        (403, _) => fatal(format!("Allow {action} on the bucket `{bucket}` for the credentials in use")),
        _ => (FailureKind::Fatal, spoken),
    }
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = String> + 'a {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| (*error).source())
        .map(ToString::to_string)
}

fn innermost(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request<'static> {
        Request { action: "s3:PutObject", bucket: "b", key: "t/o", endpoint: "http://s3", region: "us-west-2" }
    }

    #[test]
    fn every_refusal_names_its_cure_and_whether_it_may_pass() {
        let cases = [
            (404, "NoSuchBucket", FailureKind::Fatal, "correct `s3.bucket.name`"),
            (403, "AccessDenied", FailureKind::Fatal, "Allow s3:PutObject on arn:aws:s3:::b/t/o"),
            (301, "PermanentRedirect", FailureKind::Fatal, "another region than `us-west-2`"),
            (400, "AuthorizationHeaderMalformed", FailureKind::Fatal, "correct `s3.region`"),
            (403, "RequestTimeTooSkewed", FailureKind::Fatal, "clock of this machine"),
            (403, "SignatureDoesNotMatch", FailureKind::Fatal, "aws.secret.access.key"),
            (503, "SlowDown", FailureKind::Retriable, "throttles"),
            (500, "InternalError", FailureKind::Retriable, "InternalError"),
            (404, "NoSuchUpload", FailureKind::UploadGone, "lifecycle"),
            (400, "EntityTooSmall", FailureKind::Fatal, "EntityTooSmall"),
        ];
        for (status, code, kind, part) in cases {
            let (found, text) = answered(status, code, "why", request());
            assert_eq!(found, kind, "{code}");
            assert!(text.contains(part), "{code}: {text}");
        }
    }
}
