//! Lines of all that is held.

use std::pin::Pin;
use std::sync::Arc;

use futures::{Stream, StreamExt, stream};

use super::item::{Frame, Header};
use super::{Counts, Export, FORMAT, Item};
use crate::model::{Problem, Scope};
use crate::service::{Caller, Service};

impl Service {
    /// What is held of the request, as lines of JSON in chunks of several: a first line that tells what it is, a line
    /// for each record, and a last one with their counts, without which the file is not whole.
    ///
    /// # Errors
    /// A store that does not answer for the first page. Later it ends the stream before its last line.
    pub async fn export(
        self: &Arc<Self>,
        caller: &Caller,
        request: Export,
    ) -> Result<impl Stream<Item = Result<Vec<u8>, Problem>> + Send + Unpin + use<>, Problem> {
        let exported_at = self.clock.now();
        let selection = request.selection(exported_at)?;
        let header = Frame::Watchglass(Header {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            format: FORMAT,
            project: caller.project(Scope::Read)?.clone(),
            since: selection.since,
            until: selection.until,
            kinds: selection.kinds.clone(),
            exported_at,
        });
        let mut pages = self.held(caller, selection)?.peekable();
        if let Some(Err(problem)) = Pin::new(&mut pages).peek().await {
            return Err(problem.clone());
        }
        let first = stream::once(std::future::ready(header.encode()));
        let counted = stream::unfold(Some((pages, Counts::default())), async |state| {
            let (mut pages, mut counts) = state?;
            match pages.next().await {
                Some(page) => {
                    let lines = page.and_then(|page| lines(&page, &mut counts));
                    let next = lines.is_ok().then_some((pages, counts));
                    Some((lines, next))
                }
                None => Some((Frame::End(counts).encode(), None)),
            }
        });
        // Whoever compresses it asks again after the end.
        Ok(Box::pin(first.chain(counted.fuse())))
    }
}

fn lines(page: &[Item], counts: &mut Counts) -> Result<Vec<u8>, Problem> {
    let mut lines = Vec::new();
    for item in page {
        item.encode(&mut lines)?;
        counts.add(item.kind());
    }
    Ok(lines)
}
