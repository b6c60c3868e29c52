//! Providers' names.

/// The ids under which the list may know the provider that callers call `hint`, likeliest first.
///
/// The list's own rules know many names (`aws.bedrock`, `vertexai`, `mistral_ai`). These are the names of both
/// conventions that they miss, or take for another's: `azure.ai.openai` is not `openai`. What follows a full stop may
/// be an interface, as in `groq.chat`.
pub(super) fn ids(hint: &str) -> impl Iterator<Item = String> {
    let name = canonical(hint);
    let before_stop = name.split_once('.').map(|(first, _)| canonical(first));
    [Some(name), before_stop].into_iter().flatten()
}

/// One name for each of the providers that go by several.
pub(super) fn canonical(hint: &str) -> String {
    let name = hint.trim().to_lowercase();
    let id = match name.as_str() {
        azure if azure.starts_with("azure") || azure.starts_with("az.") => "azure",
        google if google.starts_with("gcp.") => "google",
        "x_ai" | "x.ai" | "xai" => "x-ai",
        "z_ai" | "z.ai" | "z-ai" => "zai",
        "fireworks_ai" | "fireworks-ai" | "fireworks.ai" => "fireworks",
        "togetherai" | "together.ai" => "together",
        _ => return name,
    };
    id.to_owned()
}
