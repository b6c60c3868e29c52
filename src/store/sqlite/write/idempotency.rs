//! Knowing a repeated call by its key.

use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::super::ledger::Ledger;
use super::super::trace::find as find_span;
use super::Answer;
use crate::model::{Idempotency, MetricKind, Problem, Record, Span, SpanId, Timestamp, Written};

/// What is kept of the first call's answer; the rest is in the record, or said again by the repetition.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Receipt {
    Log { id: String, timestamp: Timestamp },
    SpanStart { span_id: SpanId },
    SpanEnd { span_id: SpanId, already_ended: bool },
    Point { kind: MetricKind, overflow: bool },
}

/// The first call's answer, if there was one with this key.
pub(super) fn find(
    ledger: &Ledger<'_>,
    idempotency: &Idempotency,
    record: &Record,
    now: Timestamp,
) -> rusqlite::Result<Option<Result<Written, Problem>>> {
    let known: Option<(String, String)> = ledger
        .connection
        .prepare_cached(
            "SELECT fingerprint, receipt FROM idempotency WHERE project = ?1 AND key = ?2 AND created > ?3",
        )?
        .query_row(params![ledger.project, idempotency.key, now.minus(Idempotency::KEPT).micros()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    match known {
        None => Ok(None),
        Some((fingerprint, _)) if fingerprint != idempotency.fingerprint => {
            Ok(Some(Err(Idempotency::conflict())))
        }
        Some((_, receipt)) => match serde_json::from_str(&receipt) {
            Ok(receipt) => replay(ledger, receipt, record).map(Some),
            Err(error) => Ok(Some(Err(Problem::internal(error)))),
        },
    }
}

/// Keeps the answer of a first call.
pub(super) fn remember(
    ledger: &Ledger<'_>,
    idempotency: &Idempotency,
    written: &Written,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let receipt = match written {
        Written::Log(log) => Receipt::Log { id: log.id.clone(), timestamp: log.timestamp },
        Written::SpanStarted(span) => Receipt::SpanStart { span_id: span.span_id.clone() },
        Written::SpanEnded { span, already_ended } => {
            Receipt::SpanEnd { span_id: span.span_id.clone(), already_ended: *already_ended }
        }
        // An import has no key: what it writes is known by the records' own ids.
        Written::Imported { .. } | Written::StillOpen => return Ok(()),
        Written::Point { kind, overflow } => Receipt::Point { kind: *kind, overflow: *overflow },
    };
    ledger
        .connection
        .prepare_cached(
            "INSERT OR REPLACE INTO idempotency (project, key, fingerprint, receipt, created)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            ledger.project,
            idempotency.key,
            idempotency.fingerprint,
            super::body(&receipt)?,
            now.micros()
        ])?;
    Ok(())
}

fn replay(ledger: &Ledger<'_>, receipt: Receipt, record: &Record) -> Answer {
    let gone = || Err(Span::not_found());
    Ok(match (receipt, record) {
        (Receipt::Log { id, timestamp }, Record::Log(log)) => {
            let mut log = log.clone();
            (log.id, log.timestamp) = (id, timestamp);
            Ok(Written::Log(log))
        }
        (Receipt::SpanStart { span_id }, Record::SpanStart(_)) => {
            find_span(ledger.connection, ledger.project, &span_id)?
                .map_or_else(gone, |span| Ok(Written::SpanStarted(Box::new(span.as_started()))))
        }
        (Receipt::SpanEnd { span_id, already_ended }, Record::SpanEnd(_)) => {
            find_span(ledger.connection, ledger.project, &span_id)?
                .map_or_else(gone, |span| Ok(Written::SpanEnded { span: Box::new(span), already_ended }))
        }
        (Receipt::Point { kind, overflow }, Record::Point(_)) => Ok(Written::Point { kind, overflow }),
        // A fingerprint covers the kind of call, so this can't be.
        _ => Err(Idempotency::conflict()),
    })
}
