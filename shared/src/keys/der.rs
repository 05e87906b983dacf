//! The little of DER (X.690) that an RSA key takes: a sequence of positive integers (RFC 8017, appendix A.1.2), and the
//! envelope that PKCS #8 puts around it (RFC 5208).

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// `RSAPrivateKey`: version 0, and these integers, big-endian.
pub(super) fn rsa_private_key(integers: [&[u8]; 8]) -> Vec<u8> {
    let mut body = element(INTEGER, &[0]);
    for integer in integers {
        let digits: Vec<u8> = integer.iter().copied().skip_while(|digit| *digit == 0).collect();
        // A first bit of 1 would be a minus.
        let sign = digits.first().is_none_or(|first| first & 0x80 != 0);
        let content: Vec<u8> = sign.then_some(0).into_iter().chain(digits).collect();
        body.extend(element(INTEGER, &content));
    }
    element(SEQUENCE, &body)
}

/// The integers of the `RSAPrivateKey` in a PKCS #8 envelope, without its version; `None` where it is something else.
pub(super) fn rsa_integers(pkcs8: &[u8]) -> Option<Vec<&[u8]>> {
    let (body, _) = take(SEQUENCE, pkcs8)?;
    let (_version, rest) = take(INTEGER, body)?;
    let (_algorithm, rest) = take(SEQUENCE, rest)?;
    let (key, _) = take(OCTET_STRING, rest)?;
    let (integers, _) = take(SEQUENCE, key)?;
    let (_version, mut rest) = take(INTEGER, integers)?;
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (integer, others) = take(INTEGER, rest)?;
        found.push(integer.strip_prefix(&[0]).unwrap_or(integer));
        rest = others;
    }
    Some(found)
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let digits: Vec<u8> = length.iter().copied().skip_while(|digit| *digit == 0).collect();
    let mut all = vec![tag];
    match (digits.as_slice(), u8::try_from(digits.len())) {
        ([], _) => all.push(0),
        ([short], _) if *short < 0x80 => all.push(*short),
        (long, Ok(count)) => {
            all.push(0x80 | count);
            all.extend(long);
        }
        // INVARIANT: a length has no more than eight digits.
        (_, Err(_)) => {}
    }
    all.extend(content);
    all
}

/// The content of the element at the beginning, and what follows it.
fn take(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = if *length < 0x80 {
        (usize::from(*length), rest)
    } else {
        let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
        let length = digits.iter().try_fold(0_usize, |sum, digit| {
            sum.checked_mul(256).and_then(|sum| sum.checked_add(usize::from(*digit)))
        })?;
        (length, rest)
    };
    (*found == tag).then(|| rest.split_at_checked(length)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let long = vec![0x81; 300];
        let key = rsa_private_key([&long, &[1, 0, 1], &[0x7f], &[0, 0, 5], &[0x80], &[6], &[7], &long]);
        let envelope = [element(INTEGER, &[0]), element(SEQUENCE, &[]), element(OCTET_STRING, &key)];
        let pkcs8 = element(SEQUENCE, &envelope.concat());
        let read = rsa_integers(&pkcs8).unwrap();
        let expected: [&[u8]; 8] = [&long, &[1, 0, 1], &[0x7f], &[5], &[0x80], &[6], &[7], &long];
        assert_eq!(read, expected);
    }

    #[test]
    fn what_is_cut_off_is_nothing_and_no_panic() {
        let key = rsa_private_key([&[9], &[9], &[9], &[9], &[9], &[9], &[9], &[9]]);
        let pkcs8 = element(
            SEQUENCE,
            &[element(INTEGER, &[0]), element(SEQUENCE, &[]), element(OCTET_STRING, &key)].concat(),
        );
        for end in 0..pkcs8.len() {
            assert_eq!(rsa_integers(&pkcs8[..end]), None, "{end}");
        }
        assert_eq!(rsa_integers(&[SEQUENCE, 0xff]), None);
    }
}
