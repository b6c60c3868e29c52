//! Cursors: where a page ended, for the one question that it answered.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::model::{Code, Problem, ProjectId, digest};

#[derive(Serialize, Deserialize)]
struct Cursor<P> {
    /// A digest of the project and the question.
    question: String,
    position: P,
}

/// Cursors longer than any that was made here.
const MAX_CHARS: usize = 1_024;

/// An opaque text for `position`, good for this project and question alone.
pub(super) fn encode<P: Serialize>(
    project: &ProjectId,
    question: &impl Serialize,
    position: P,
) -> Result<String, Problem> {
    let cursor = Cursor { question: short_digest(project, question)?, position };
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(&cursor).map_err(Problem::internal)?))
}

/// The position in `text`.
///
/// # Errors
/// [`InvalidCursor`](Code::InvalidCursor) for a text that was not made here, or for another question.
pub(super) fn decode<P: DeserializeOwned>(
    project: &ProjectId,
    question: &impl Serialize,
    text: &str,
) -> Result<P, Problem> {
    if text.len() > MAX_CHARS {
        return Err(invalid());
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
    let cursor: Cursor<P> = serde_json::from_slice(&bytes).map_err(|_| invalid())?;
    if cursor.question == short_digest(project, question)? { Ok(cursor.position) } else { Err(invalid()) }
}

/// The problem with a cursor that can't be gone on from.
pub(super) fn invalid() -> Problem {
    Problem::new(Code::InvalidCursor, "the cursor does not belong to this query")
        .at("cursor")
        .hint("give the `next` of the page before, with the same arguments")
}

fn short_digest(project: &ProjectId, question: &impl Serialize) -> Result<String, Problem> {
    let question = serde_json::to_string(question).map_err(Problem::internal)?;
    let mut hash = digest([project.as_str(), &question]);
    hash.truncate(16);
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cursor_is_bound_to_its_project_and_question() {
        let project = ProjectId::default_project();
        let cursor = encode(&project, &"q", 7_i64).unwrap();
        assert_eq!(decode::<i64>(&project, &"q", &cursor).unwrap(), 7);
        let other = ProjectId::stored("other");
        for wrong in [
            decode::<i64>(&project, &"p", &cursor),
            decode::<i64>(&other, &"q", &cursor),
            decode::<i64>(&project, &"q", "bad"),
            decode::<i64>(&project, &"q", ""),
        ] {
            assert_eq!(wrong.unwrap_err().code, Code::InvalidCursor);
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,200}") {
            prop_assert!(decode::<i64>(&ProjectId::default_project(), &"q", &text).is_err());
        }
    }
}
