//! Packets (RFC 4880 §4).

/// Bytes that are taken from the front.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'b>(pub &'b [u8]);

impl<'b> Bytes<'b> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    /// A number of as many bits as it says, without zeros before it (§3.2).
    pub(super) fn number(&mut self) -> Option<&'b [u8]> {
        let bits = usize::from(self.u16()?);
        let bytes = self.take(bits.div_ceil(8))?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        bytes.get(zeros..)
    }

    /// The next packet: its tag and its body. Bodies of unknown length, which are for streams of data, are refused.
    pub(super) fn packet(&mut self) -> Option<(u8, &'b [u8])> {
        let first = self.byte()?;
        if first & 0x80 == 0 {
            return None;
        }
        if first & 0x40 != 0 {
            let length = self.length()?;
            return Some((first & 0x3f, self.take(length)?));
        }
        let length = match first & 3 {
            0 => usize::from(self.byte()?),
            1 => usize::from(self.u16()?),
            2 => self.u32()? as usize,
            _ => return None,
        };
        Some((first >> 2 & 0xf, self.take(length)?))
    }

    /// A length of one, two or five bytes: of new packets (§4.2.2) and of subpackets (§5.2.3.1) alike.
    pub(super) fn length(&mut self) -> Option<usize> {
        match self.byte()? {
            short @ 0..=191 => Some(usize::from(short)),
            high @ 192..=223 => Some(((usize::from(high) - 192) << 8) + usize::from(self.byte()?) + 192),
            255 => Some(self.u32()? as usize),
            _ => None,
        }
    }
}
