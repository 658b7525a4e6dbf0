//! ASCII armour (RFC 4880 §6.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::key::KeyError;

const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
const END: &str = "-----END PGP PUBLIC KEY BLOCK-----";

/// The packets of every block of public keys, one after the other. Text around the blocks is left out, as by rpm.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, KeyError> {
    if text.contains("-----BEGIN PGP PRIVATE KEY BLOCK-----") {
        return Err(KeyError::Private);
    }
    let mut packets = Vec::new();
    let mut lines = text.lines().map(str::trim_end);
    while lines.by_ref().any(|line| line == BEGIN) {
        packets.extend(block(&mut lines)?);
    }
    if packets.is_empty() { Err(KeyError::NotAKey) } else { Ok(packets) }
}

fn block<'l>(lines: &mut impl Iterator<Item = &'l str>) -> Result<Vec<u8>, KeyError> {
    let damaged = |why: &str| KeyError::Damaged(why.to_owned());
    // Headers such as `Version:` end with an empty line.
    let mut body = String::new();
    let mut in_body = false;
    let mut checksum = None;
    for line in lines {
        match line {
            END => {
                let packets = STANDARD.decode(&body).map_err(|_| damaged("its base64 is not good"))?;
                return match checksum {
                    Some(stated) if stated != crc24(&packets) => Err(damaged("its checksum is another one")),
                    _ => Ok(packets),
                };
            }
            "" => in_body = true,
            line if !in_body && !line.contains(": ") => return Err(damaged("its first lines are no armour")),
            _ if !in_body => {}
            line => match line.strip_prefix('=').filter(|sum| sum.len() == 4) {
                Some(sum) => {
                    let sum = STANDARD.decode(sum).ok().filter(|bytes| bytes.len() == 3);
                    let sum = sum.ok_or_else(|| damaged("its checksum is none"))?;
                    checksum = Some(sum.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)));
                }
                None => body.push_str(line),
            },
        }
    }
    Err(damaged("its last line is missing"))
}

/// One block of these packets.
pub(super) fn encode(packets: &[u8]) -> String {
    let body = STANDARD.encode(packets);
    let mut text = format!("{BEGIN}\n\n");
    // At most 76 characters a line (§6.3), and base64 has no others.
    for line in body.as_bytes().chunks(64) {
        text.push_str(std::str::from_utf8(line).unwrap_or_default());
        text.push('\n');
    }
    let [_, sum @ ..] = crc24(packets).to_be_bytes();
    text + &format!("={}\n{END}\n", STANDARD.encode(sum))
}

/// §6.1
fn crc24(bytes: &[u8]) -> u32 {
    let shifted = |crc: u32| if crc & 0x80_0000 == 0 { crc << 1 } else { crc << 1 ^ 0x186_4cfb };
    let all =
        bytes.iter().fold(0xb7_04ce, |crc, byte| (0..8).fold(crc ^ u32::from(*byte) << 16, |crc, _| shifted(crc)));
    all & 0xff_ffff
}
