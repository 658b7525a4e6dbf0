//! Numbers and dates as ECMA-119 writes them.

use time::{OffsetDateTime, UtcOffset};

use super::IsoError;

/// A 16-bit number in both byte orders (ECMA-119 7.2.3).
pub(super) fn both16(value: u16) -> [u8; 4] {
    let [a, b] = value.to_le_bytes();
    let [c, d] = value.to_be_bytes();
    [a, b, c, d]
}

/// A 32-bit number in both byte orders (ECMA-119 7.3.3).
pub(super) fn both32(value: u32) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&value.to_le_bytes());
    bytes[4..].copy_from_slice(&value.to_be_bytes());
    bytes
}

/// One time in the two forms of the format, both in UTC.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dates {
    /// Of directory records and Rock Ridge (ECMA-119 9.1.5): numbers, to the second.
    pub record: [u8; 7],
    /// Of volume descriptors (ECMA-119 8.4.26.1): digits, to the hundredth.
    pub volume: [u8; 17],
}

impl Dates {
    /// The forms of this time.
    pub fn of(time: OffsetDateTime) -> Result<Self, IsoError> {
        let utc = time.to_offset(UtcOffset::UTC);
        let year = u8::try_from(utc.year() - 1900).map_err(|_| IsoError::Date(utc.year()))?;
        let record = [year, utc.month().into(), utc.day(), utc.hour(), utc.minute(), utc.second(), 0];
        let text = format!(
            "{:04}{:02}{:02}{:02}{:02}{:02}00",
            utc.year(),
            u8::from(utc.month()),
            utc.day(),
            utc.hour(),
            utc.minute(),
            utc.second()
        );
        let mut volume = [0; 17];
        for (to, from) in volume.iter_mut().zip(text.bytes()) {
            *to = from;
        }
        Ok(Self { record, volume })
    }
}

/// The date that says "none" in a volume descriptor (ECMA-119 8.4.26.1).
pub(super) const NO_DATE: [u8; 17] = *b"0000000000000000\0";

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn dates_are_utc_and_bounded() {
        let dates = Dates::of(datetime!(2026-11-22 01:02:03 +02:00)).expect("in range");
        assert_eq!(dates.record, [126, 11, 21, 23, 2, 3, 0]);
        assert_eq!(&dates.volume, b"2026112123020300\0");
        assert_eq!(Dates::of(datetime!(1899-12-31 23:59:59 UTC)).map(|_| ()), Err(IsoError::Date(1899)));
        assert_eq!(Dates::of(datetime!(2156-01-01 00:00:00 UTC)).map(|_| ()), Err(IsoError::Date(2156)));
    }

    #[test]
    fn numbers_stand_in_both_orders() {
        assert_eq!(both16(0x0102), [2, 1, 1, 2]);
        assert_eq!(both32(0x0102_0304), [4, 3, 2, 1, 1, 2, 3, 4]);
    }
}
