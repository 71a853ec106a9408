//! How often a password is hashed before it opens something: a number in the store itself, on which the time to open it depends.

/// As in the JDK: above it a store is refused.
const MOST_ITERATIONS: u64 = 5_000_000;

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
const CONSTRUCTED: u8 = 0x20;

/// Looks through a PKCS12 store or an encrypted PKCS8 key before it is opened. What only the password shows is not looked at.
///
/// # Errors
/// There is a number larger than [`MOST_ITERATIONS`].
pub(super) fn check(der: &[u8]) -> Result<(), String> {
    match largest(der) {
        ..=MOST_ITERATIONS => Ok(()),
        number => Err(format!("the password is to be hashed {number} times, expected at most {MOST_ITERATIONS}")),
    }
}

/// Wherever it is said how a key is derived, the number of iterations follows the salt.
fn largest(der: &[u8]) -> u64 {
    let mut largest = 0;
    let mut unread = vec![der];
    while let Some(mut rest) = unread.pop() {
        let mut follows_salt = false;
        while let Some((header, after)) = header(rest) {
            // What is in a constructed element is read in its place; where it ends does not matter here.
            if header.tag & CONSTRUCTED != 0 {
                (rest, follows_salt) = (after, false);
                continue;
            }
            let Some((contents, behind)) = header.length.and_then(|length| after.split_at_checked(length)) else {
                break;
            };
            if header.tag == INTEGER && follows_salt {
                largest = largest.max(number(contents));
            }
            if header.tag == OCTET_STRING && is_sequence(contents) {
                unread.push(contents);
            }
            (rest, follows_salt) = (behind, header.tag == OCTET_STRING);
        }
    }
    largest
}

fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |number: u64, digit| number.saturating_mul(256).saturating_add((*digit).into()))
}

/// Whether the bytes are one sequence and nothing else, which encrypted ones hardly ever look like.
fn is_sequence(bytes: &[u8]) -> bool {
    header(bytes).is_some_and(|(header, after)| {
        header.tag == SEQUENCE && header.length.is_none_or(|length| length == after.len())
    })
}

struct Header {
    tag: u8,
    /// `None` when the end is marked instead.
    length: Option<usize>,
}

/// Tag and length of the element that `bytes` begin with, and what follows them.
fn header(bytes: &[u8]) -> Option<(Header, &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    match *first {
        0x80 => Some((Header { tag: *tag, length: None }, rest)),
        short @ 0..0x80 => Some((Header { tag: *tag, length: Some(short.into()) }, rest)),
        long => {
            let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            let length = digits.iter().fold(0usize, |length, digit| length.saturating_mul(256) | usize::from(*digit));
            Some((Header { tag: *tag, length: Some(length) }, rest))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{check, largest};

    const STORE: &[u8] = include_bytes!("../../../fuzz/seeds/pkcs12/key");

    /// A salt and a number, in a sequence, as in the parameters of a derivation.
    fn derived(number: &[u8]) -> Vec<u8> {
        let length = number.len() as u8;
        [&[0x30, length + 5, 0x04, 0x01, 0xaa, 0x02, length], number].concat()
    }

    #[test]
    fn numbers_of_iterations_are_found_in_stores_and_in_their_parts() {
        assert_eq!(largest(STORE), 10_000);
        assert_eq!(check(&derived(&[0x4c, 0x4b, 0x40])), Ok(()));
        for number in [&[0x4c, 0x4b, 0x41][..], &[0x7f, 0xff, 0xff, 0xff], &[0xff; 9]] {
            let inner = derived(number);
            // A sequence with a marked end, in it the other as a text of bytes.
            let wrapped = [&[0x30, 0x80, 0x04, inner.len() as u8][..], &inner].concat();
            for store in [&inner, &wrapped] {
                let error = check(store).expect_err("too often");
                assert!(error.ends_with("times, expected at most 5000000"), "{error}");
            }
        }
    }

    #[test]
    fn other_bytes_are_none_of_its_business() {
        for bytes in [&b""[..], &[0x30], &[0x30, 0x85, 1], &[0x04, 0x7f], &[0x04, 0x84, 0xff, 0xff, 0xff, 0xff]] {
            assert_eq!(largest(bytes), 0);
        }
    }
}
