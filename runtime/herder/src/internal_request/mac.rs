//! Message authentication codes under Java's names.

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rand::rand_bytes;
use openssl::sign::Signer;

use crate::HerderError;

/// A keyed digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MacAlgorithm {
    /// `HmacSHA1`.
    HmacSha1,
    /// `HmacSHA224`.
    HmacSha224,
    /// `HmacSHA256`, Kafka Connect's default.
    HmacSha256,
    /// `HmacSHA384`.
    HmacSha384,
    /// `HmacSHA512`.
    HmacSha512,
}

impl MacAlgorithm {
    const ALL: [Self; 5] = [Self::HmacSha1, Self::HmacSha224, Self::HmacSha256, Self::HmacSha384, Self::HmacSha512];

    /// The algorithm of that name, whatever its case, as in Java.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// Java's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::HmacSha1 => "HmacSHA1",
            Self::HmacSha224 => "HmacSHA224",
            Self::HmacSha256 => "HmacSHA256",
            Self::HmacSha384 => "HmacSHA384",
            Self::HmacSha512 => "HmacSHA512",
        }
    }

    /// The length in bytes of a new key: `size_bits` rounded up, else what the JDK's key generator makes of the algorithm.
    pub fn key_bytes(self, size_bits: Option<i32>) -> usize {
        if let Some(bits) = size_bits {
            return usize::try_from(bits).unwrap_or(0).div_ceil(8);
        }
        match self {
            Self::HmacSha1 | Self::HmacSha512 => 64,
            Self::HmacSha224 => 28,
            Self::HmacSha256 => 32,
            Self::HmacSha384 => 48,
        }
    }

    /// A new random key of [`MacAlgorithm::key_bytes`].
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn generate_key(self, size_bits: Option<i32>) -> Result<Vec<u8>, HerderError> {
        let mut key = vec![0; self.key_bytes(size_bits)];
        rand_bytes(&mut key).map_err(|error| failed(&error))?;
        Ok(key)
    }

    /// The code of `message`.
    pub(super) fn sign(self, key: &[u8], message: &[u8]) -> Result<Vec<u8>, HerderError> {
        let sign = || Signer::new(self.digest(), PKey::hmac(key)?.as_ref())?.sign_oneshot_to_vec(message);
        sign().map_err(|error| failed(&error))
    }

    fn digest(self) -> MessageDigest {
        match self {
            Self::HmacSha1 => MessageDigest::sha1(),
            Self::HmacSha224 => MessageDigest::sha224(),
            Self::HmacSha256 => MessageDigest::sha256(),
            Self::HmacSha384 => MessageDigest::sha384(),
            Self::HmacSha512 => MessageDigest::sha512(),
        }
    }
}

fn failed(error: &ErrorStack) -> HerderError {
    HerderError::Internal(format!("cannot sign internal requests: {error}"))
}

#[cfg(test)]
mod tests {
    use super::MacAlgorithm;

    #[test]
    fn keys_have_the_length_of_the_jdks() {
        let bytes = |name, bits| {
            MacAlgorithm::from_name(name).map(|algorithm| algorithm.generate_key(bits).expect("a key").len())
        };
        let own = ["HmacSHA1", "hmacsha224", "HMACSHA256", "HmacSHA384", "HmacSHA512"].map(|name| bytes(name, None));
        assert_eq!(own, [Some(64), Some(28), Some(32), Some(48), Some(64)]);
        assert_eq!(bytes("HmacSHA256", Some(129)), Some(17));
        assert_eq!(bytes("HmacMD5", None), None);
    }
}
