//! Signature Version 4 of one request: a GET without body, presigned in its query.

use std::fmt::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sha::sha256;
use openssl::sign::Signer;

use super::credentials::Credentials;

const SERVICE: &str = "kafka-cluster";
const AGENT: &str = concat!("sluice/", env!("CARGO_PKG_VERSION"));

/// The URL that asks the brokers of `region` to let these credentials connect.
pub(super) fn connect_url(
    region: &str,
    credentials: &Credentials,
    lifetime: Duration,
    now: SystemTime,
) -> Result<String, String> {
    let (date, time) = utc(now);
    let host = format!("kafka.{region}.amazonaws.com");
    let scope = format!("{date}/{region}/{SERVICE}/aws4_request");
    // In the order of the names, which the signature prescribes.
    let mut parameters = vec![
        ("Action", "kafka-cluster:Connect".to_owned()),
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256".to_owned()),
        ("X-Amz-Credential", format!("{}/{scope}", credentials.access_key)),
        ("X-Amz-Date", format!("{date}T{time}Z")),
        ("X-Amz-Expires", lifetime.as_secs().to_string()),
    ];
    if let Some(token) = &credentials.session_token {
        parameters.push(("X-Amz-Security-Token", token.expose().to_owned()));
    }
    parameters.push(("X-Amz-SignedHeaders", "host".to_owned()));
    let query: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    let query = query.join("&");
    let request = format!("GET\n/\n{query}\nhost:{host}\n\nhost\n{}", hex(&sha256(b"")));
    let text = format!("AWS4-HMAC-SHA256\n{date}T{time}Z\n{scope}\n{}", hex(&sha256(request.as_bytes())));
    let signature = sign(credentials, &date, region, &text).map_err(|error| format!("OpenSSL: {error}"))?;
    Ok(format!("https://{host}/?{query}&X-Amz-Signature={}&User-Agent={}", hex(&signature), escaped(AGENT)))
}

fn sign(credentials: &Credentials, date: &str, region: &str, text: &str) -> Result<Vec<u8>, ErrorStack> {
    let secret = format!("AWS4{}", credentials.secret_key.expose());
    let mut key = secret.into_bytes();
    for part in [date, region, SERVICE, "aws4_request", text] {
        key = Signer::new(MessageDigest::sha256(), &*PKey::hmac(&key)?)?.sign_oneshot_to_vec(part.as_bytes())?;
    }
    Ok(key)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}

/// RFC 3986: everything but letters, digits and `-._~`.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => write!(out, "%{byte:02X}").unwrap_or_default(),
        }
        out
    })
}

/// `yyyymmdd` and `hhmmss`. The calendar is Howard Hinnant's `civil_from_days`.
fn utc(now: SystemTime) -> (String, String) {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let time = format!("{:02}{:02}{:02}", second / 3_600, second / 60 % 60, second % 60);
    (format!("{year:04}{month:02}{day:02}"), time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::secret::Secret;

    #[test]
    fn dates_are_civil() {
        for (seconds, date, time) in
            [(0, "19700101", "000000"), (951_782_399, "20000228", "235959"), (1_709_210_096, "20240229", "123456")]
        {
            let (found_date, found_time) = utc(UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!((found_date.as_str(), found_time.as_str()), (date, time));
        }
    }

    /// Signed by botocore 1.40's `SigV4QueryAuth` with the same input.
    #[test]
    fn the_signature_is_amazons() {
        let credentials = Credentials {
            access_key: "AKIDEXAMPLE".to_owned(),
            secret_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session_token: Some(Secret::new("a/b+c==")),
        };
        let now = UNIX_EPOCH + Duration::from_secs(1_709_210_096);
        let url = connect_url("us-east-1", &credentials, Duration::from_secs(900), now).unwrap();
        assert!(
            url.starts_with("https://kafka.us-east-1.amazonaws.com/?Action=kafka-cluster%3AConnect&X-Amz-Algorithm=")
        );
        assert!(url.contains("X-Amz-Security-Token=a%2Fb%2Bc%3D%3D&X-Amz-SignedHeaders=host"), "{url}");
        let signature = url.split("X-Amz-Signature=").nth(1).and_then(|rest| rest.split('&').next());
        assert_eq!(signature, Some("14a768773b179f0dc2bff557a5e31e7126eeb12217de2651c31e211c3cdec454"));
    }
}
