//! A gate that lets everyone in, for the tests of what lies behind it.

use axum::{Extension, Router};

use super::{Gate, Routes};
use crate::service::testing;

pub(crate) async fn open_gate() -> Gate {
    Gate::new(testing::access().await, &[], false)
}

pub(crate) async fn behind_open_gate(routes: Routes) -> Router {
    routes.into_router().layer(Extension(open_gate().await))
}
