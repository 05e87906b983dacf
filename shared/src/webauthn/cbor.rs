//! The part of CBOR (RFC 8949) that authenticators write: values of a stated length, no tags.
//!
//! Nothing is allocated, and no loop is longer than the input: what a length promises has to be there.

/// The bytes are not CBOR of that part. It says no more: which fault it was helps nobody but who makes them up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// How deep values lie in each other: an attestation with its certificates is three.
const DEPTH: u8 = 8;

/// A key or a value of a COSE key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalar<'a> {
    Integer(i64),
    Bytes(&'a [u8]),
}

/// What is still to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

mod major {
    pub(super) const UNSIGNED: u8 = 0;
    pub(super) const NEGATIVE: u8 = 1;
    pub(super) const BYTES: u8 = 2;
    pub(super) const TEXT: u8 = 3;
    pub(super) const ARRAY: u8 = 4;
    pub(super) const MAP: u8 = 5;
    pub(super) const SIMPLE: u8 = 7;
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Nothing may follow.
    pub(super) const fn end(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    /// The kind of the next value, and its number or length. Lengths that are not stated have no number, and are refused.
    fn head(&mut self) -> Result<(u8, u64), Malformed> {
        let [first] = self.array()?;
        let number = match first & 0b1_1111 {
            short @ 0..=23 => u64::from(short),
            24 => u64::from(u8::from_be_bytes(self.array()?)),
            25 => u64::from(u16::from_be_bytes(self.array()?)),
            26 => u64::from(u32::from_be_bytes(self.array()?)),
            27 => u64::from_be_bytes(self.array()?),
            _ => return Err(Malformed),
        };
        Ok((first >> 5, number))
    }

    fn sized(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        self.take(usize::try_from(length).map_err(|_| Malformed)?)
    }

    /// A map: how many pairs follow.
    pub(super) fn map(&mut self) -> Result<u64, Malformed> {
        match self.head()? {
            (major::MAP, pairs) => Ok(pairs),
            _ => Err(Malformed),
        }
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Malformed> {
        match self.head()? {
            (major::TEXT, length) => str::from_utf8(self.sized(length)?).map_err(|_| Malformed),
            _ => Err(Malformed),
        }
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        match self.scalar()? {
            Scalar::Bytes(bytes) => Ok(bytes),
            Scalar::Integer(_) => Err(Malformed),
        }
    }

    pub(super) fn scalar(&mut self) -> Result<Scalar<'a>, Malformed> {
        let (kind, number) = self.head()?;
        let integer = || i64::try_from(number).map_err(|_| Malformed);
        match kind {
            major::UNSIGNED => integer().map(Scalar::Integer),
            major::NEGATIVE => integer().map(|number| Scalar::Integer(-1 - number)),
            major::BYTES => self.sized(number).map(Scalar::Bytes),
            _ => Err(Malformed),
        }
    }

    /// Any value, which nobody asks for.
    pub(super) fn skip(&mut self) -> Result<(), Malformed> {
        self.skip_within(DEPTH)
    }

    fn skip_within(&mut self, depth: u8) -> Result<(), Malformed> {
        let depth = depth.checked_sub(1).ok_or(Malformed)?;
        let short = self.rest.first().is_some_and(|first| first & 0b1_1111 < 24);
        let (kind, number) = self.head()?;
        match kind {
            major::UNSIGNED | major::NEGATIVE => Ok(()),
            major::BYTES => self.sized(number).map(drop),
            major::TEXT => str::from_utf8(self.sized(number)?).map(drop).map_err(|_| Malformed),
            major::ARRAY => (0..number).try_for_each(|_| self.skip_within(depth)),
            major::MAP => (0..number).try_for_each(|_| {
                self.skip_within(depth)?;
                self.skip_within(depth)
            }),
            // No, yes, null and undefined; and numbers with a fraction, whose bits are no number of values.
            major::SIMPLE if !short || (20..=23).contains(&number) => Ok(()),
            _ => Err(Malformed),
        }
    }
}

/// Writes what [`Reader::scalar`] reads, in its one shortest form.
pub(super) fn write(out: &mut Vec<u8>, value: Scalar<'_>) {
    match value {
        Scalar::Integer(number) if number < 0 => {
            head(out, major::NEGATIVE, number.wrapping_add(1).unsigned_abs())
        }
        Scalar::Integer(number) => head(out, major::UNSIGNED, number.unsigned_abs()),
        Scalar::Bytes(bytes) => {
            head(out, major::BYTES, bytes.len() as u64);
            out.extend_from_slice(bytes);
        }
    }
}

/// Writes that so many pairs follow.
pub(super) fn write_map(out: &mut Vec<u8>, pairs: u64) {
    head(out, major::MAP, pairs);
}

fn head(out: &mut Vec<u8>, kind: u8, number: u64) {
    let [.., a, b, c, d] = number.to_be_bytes();
    let kind = kind << 5;
    match number {
        0..=23 => out.push(kind | d),
        24..=0xff => out.extend([kind | 24, d]),
        0x100..=0xffff => out.extend([kind | 25, c, d]),
        0x1_0000..=0xffff_ffff => out.extend([kind | 26, a, b, c, d]),
        _ => {
            out.push(kind | 27);
            out.extend(number.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skipped(bytes: &[u8]) -> Result<(), Malformed> {
        let mut reader = Reader::new(bytes);
        reader.skip()?;
        reader.end()
    }

    #[test]
    fn a_scalar_is_written_as_it_is_read_and_in_the_shortest_form() {
        for (number, form) in [
            (0, vec![0]),
            (23, vec![23]),
            (24, vec![24, 24]),
            (256, vec![25, 1, 0]),
            (65_536, vec![26, 0, 1, 0, 0]),
            (i64::MAX, vec![27, 0x7f, 255, 255, 255, 255, 255, 255, 255]),
            (-1, vec![0x20]),
            (-7, vec![0x26]),
            (-257, vec![0x39, 1, 0]),
            (i64::MIN, vec![0x3b, 0x7f, 255, 255, 255, 255, 255, 255, 255]),
        ] {
            let mut out = Vec::new();
            write(&mut out, Scalar::Integer(number));
            assert_eq!(out, form, "{number}");
            assert_eq!(Reader::new(&out).scalar(), Ok(Scalar::Integer(number)));
        }
        for length in [0, 23, 24, 255, 256, 1023] {
            let (bytes, mut out) = (vec![7; length], Vec::new());
            write(&mut out, Scalar::Bytes(&bytes));
            assert_eq!(Reader::new(&out).bytes(), Ok(bytes.as_slice()));
        }
    }

    #[test]
    fn every_kind_of_value_is_skipped_to_its_end_and_no_further() {
        for value in [
            &[0x00][..],
            &[0x38, 0xff],
            &[0x43, 1, 2, 3],
            &[0x62, b'o', b'k'],
            &[0x82, 0x01, 0x80],
            &[0xa1, 0x61, b'a', 0xf5],
            &[0xf4],
            &[0xf6],
            &[0xf9, 0x3c, 0x00],
            &[0xfb, 0, 0, 0, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(skipped(value), Ok(()), "{value:x?}");
            assert_eq!(skipped(&[value, &[0]].concat()), Err(Malformed), "{value:x?} and more");
            assert_eq!(skipped(&value[..value.len() - 1]), Err(Malformed), "{value:x?} and less");
        }
    }

    #[test]
    fn lengths_that_are_not_stated_tags_and_what_is_no_text_are_refused() {
        for value in [
            &[0x5f, 0x41, 1, 0xff][..],
            &[0x7f, 0xff],
            &[0x9f, 0xff],
            &[0xbf, 0xff],
            &[0xc0, 0x00],
            &[0xd8, 0x20, 0x00],
            &[0x1c],
            &[0xe0],
            &[0xf0],
            &[0xf8, 0xff][..1],
            &[0xff],
            &[0x61, 0xff],
            &[],
        ] {
            assert_eq!(skipped(value), Err(Malformed), "{value:x?}");
        }
    }

    /// Four bytes that promise four thousand million values, and a thousand arrays in each other.
    #[test]
    fn promises_and_depth_cost_no_more_than_the_bytes_that_are_there() {
        for promise in [[0x9a, 255, 255, 255, 255], [0xba, 255, 255, 255, 255], [0x5a, 255, 255, 255, 255]] {
            assert_eq!(skipped(&promise), Err(Malformed));
        }
        assert_eq!(skipped(&[0x81; 1000]), Err(Malformed));
        let nested = |depth: usize| [&vec![0x81; depth - 1][..], &[0]].concat();
        assert_eq!(skipped(&nested(usize::from(DEPTH))), Ok(()));
        assert_eq!(skipped(&nested(usize::from(DEPTH) + 1)), Err(Malformed));
    }
}
