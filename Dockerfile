# syntax=docker/dockerfile:1

# The version is the one that rust-toolchain.toml names; that file stays outside, as it would fetch lints too.
FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /build
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --locked --profile dist --bin watchglass \
    && cp target/dist/watchglass /usr/local/bin/watchglass

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="watchglass" \
      org.opencontainers.image.description="See everything an AI agent did, while it does it" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"

# Certificates: for a Redis or a Pushgateway that is spoken to over TLS.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 watchglass \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/watchglass --shell /usr/sbin/nologin watchglass \
    && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/watchglass

COPY --from=build /usr/local/bin/watchglass /usr/local/bin/watchglass

# By number, so that a cluster can see that it is not root. Nothing outside the volume is written to.
USER 10001:10001
VOLUME /var/lib/watchglass
EXPOSE 8080

# It listens on all of the container's addresses, and so does not start without a key.
ENV WATCHGLASS_LISTEN=0.0.0.0:8080 \
    WATCHGLASS_STORE=sqlite:/var/lib/watchglass/watchglass.db

HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["watchglass", "health"]
ENTRYPOINT ["watchglass"]
CMD ["serve"]
