//! The program that goes into a box: whether it starts where the box goes.

use camino::Utf8Path;

use crate::diag::{Code, Diagnostic};
use crate::load::{self, LoadError};

/// Program headers follow the header of the file and are few.
const HEAD: usize = 4096;
/// The segment that names the loader of a program's libraries (System V ABI, "Program Header"). A static program has none,
/// position-independent or not.
const PT_INTERP: u64 = 3;

/// What to say where this program needs a loader and libraries: the release binary needs none.
pub(super) fn not_static(program: &Utf8Path) -> Result<Option<Diagnostic>, LoadError> {
    let mut head = vec![0; HEAD];
    let count = load::prefix(program, &mut head)?;
    if !has_interpreter(head.get(..count).unwrap_or_default()) {
        return Ok(None);
    }
    let message = "the cfy-seed that goes into the box is dynamically linked: it may not start where the box goes";
    let help = "build the box with the static release binary (docs/release.md); EL 8 has glibc 2.28, EL 7 has 2.17";
    Ok(Some(Diagnostic::warning(Code::ProgramNotStatic, message).help(help)))
}

/// Whether an ELF file, of 64 or 32 bits and either byte order, has a segment that names a loader. What is no such file has none.
fn has_interpreter(head: &[u8]) -> bool {
    let (Some(b"\x7fELF"), Some(class), Some(order)) = (head.get(..4), head.get(4), head.get(5)) else {
        return false;
    };
    let number = |at: usize, size: usize| -> Option<u64> {
        let bytes = head.get(at..at.checked_add(size)?)?;
        let join = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Some(if *order == 1 { bytes.iter().rev().fold(0, join) } else { bytes.iter().fold(0, join) })
    };
    // `e_phoff`, `e_phentsize` and `e_phnum`.
    let table = if *class == 2 { [(32, 8), (54, 2), (56, 2)] } else { [(28, 4), (42, 2), (44, 2)] };
    let [Some(begin), Some(size), Some(count)] = table.map(|(at, size)| number(at, size)) else { return false };
    let kind = |at: u64| number(usize::try_from(begin.checked_add(at.checked_mul(size)?)?).ok()?, 4);
    (0..count).any(|at| kind(at) == Some(PT_INTERP))
}

#[cfg(test)]
mod tests {
    use super::has_interpreter;

    /// The head of a program with segments of these kinds.
    fn program(wide: bool, little: bool, kinds: &[u32]) -> Vec<u8> {
        let number = |value: u64, size: usize| {
            let all = value.to_be_bytes();
            let mut bytes = all[8 - size..].to_vec();
            if little {
                bytes.reverse();
            }
            bytes
        };
        let mut head = vec![0; if wide { 64 } else { 52 }];
        head[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', if wide { 2 } else { 1 }, if little { 1 } else { 2 }]);
        let (size, fields) = if wide { (56, [(32, 8), (54, 2), (56, 2)]) } else { (32, [(28, 4), (42, 2), (44, 2)]) };
        let begin = head.len() as u64;
        for ((at, width), value) in fields.into_iter().zip([begin, size, kinds.len() as u64]) {
            head[at..at + width].copy_from_slice(&number(value, width));
        }
        for kind in kinds {
            let mut entry = number(u64::from(*kind), 4);
            entry.resize(usize::try_from(size).expect("small"), 0xff);
            head.extend(entry);
        }
        head
    }

    #[test]
    fn a_program_that_wants_a_loader_is_told_from_a_static_one() {
        for (wide, little) in [(true, true), (true, false), (false, true), (false, false)] {
            assert!(has_interpreter(&program(wide, little, &[6, 3, 1])));
            assert!(has_interpreter(&program(wide, little, &[1, 1, 2, 3])));
            // A static one that is position-independent has PT_DYNAMIC (2) and no loader.
            assert!(!has_interpreter(&program(wide, little, &[6, 1, 2, 1])));
            assert!(!has_interpreter(&program(wide, little, &[])));
            let whole = program(wide, little, &[1, 3]);
            // Cut off anywhere: never out of bounds, and found as soon as it is there.
            let found: Vec<bool> = (0..=whole.len()).map(|end| has_interpreter(&whole[..end])).collect();
            assert!(found.is_sorted() && !found[0]);
        }
        let mut far = program(true, true, &[3]);
        far[32..40].fill(0xff);
        assert!(!has_interpreter(&far));
        assert!(!has_interpreter(b"#!/bin/sh\n"));
    }
}
