# syntax=docker/dockerfile:1
# Two stages: the first builds the one binary, the second holds nothing but it and the certificates it trusts.

FROM rust:1.95-bookworm AS build
WORKDIR /src
# aws-lc (the cryptography) builds with gcc and cmake.
RUN apt-get update && apt-get install -y --no-install-recommends cmake && rm -rf /var/lib/apt/lists/*
# Dependencies first, in a layer of their own: they change far less often than the source.
COPY Cargo.toml Cargo.lock rust-toolchain.toml ./
RUN mkdir -p src benches && echo 'fn main() {}' > src/main.rs && touch src/lib.rs \
    && sed -i -e '/^\[\[test\]\]/,/^$/d' -e '/^\[\[bench\]\]/,/^$/d' Cargo.toml \
    && cargo build --release --locked && rm -rf src benches
COPY . .
# The copied files may be older than the empty ones built above.
RUN touch src/main.rs src/lib.rs && cargo build --release --locked

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin handover \
    && install -d -o handover -g handover -m 0700 /data /site
COPY --from=build /src/target/release/handover /usr/local/bin/handover
USER handover
WORKDIR /data
# The store and the gateway's own key; the site says `data: /data`. Put it on a disk that keeps what it says it has written.
VOLUME ["/data"]
EXPOSE 8080 2575
# Asks the running gateway over its control socket, so that it works with and without TLS and on any port.
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s --retries=3 CMD ["handover", "health", "/site"]
ENTRYPOINT ["handover"]
CMD ["run", "/site"]
