# The one image of all roles. It builds with the classic builder and BuildKit.

FROM golang:1.26-bookworm AS build
# go-nvml needs cgo, and its bindings name what the driver has deprecated. It
# finds the driver at run time, so nothing may be bound at start: no -z now.
ENV CGO_ENABLED=1 CGO_CFLAGS=-Wno-deprecated-declarations
WORKDIR /src
COPY go.mod go.sum ./
# The large modules are compiled before the sources are there, so that a change
# to those does not compile them again.
RUN go mod download \
 && go build -trimpath github.com/NVIDIA/go-nvml/pkg/nvml github.com/docker/docker/client github.com/prometheus/client_golang/prometheus/promhttp
COPY . .
RUN go build -trimpath -ldflags "-s -w" -o /out/clawgate ./cmd/clawgate
# What a fresh volume holds and who owns it comes from the image. /run/guard is
# root's, because the guard writes its socket there as root without the right to
# write into others' folders.
RUN mkdir -p /out/state /out/log /out/guard

FROM debian:bookworm-slim
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Clawgate" \
      org.opencontainers.image.description="A gateway and sidecar that keeps an Ollama server answering" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${REVISION}"
RUN groupadd --gid 10001 clawgate \
 && useradd --uid 10001 --gid 10001 --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin clawgate
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build --chown=10001:10001 /out/state /var/lib/clawgate
COPY --from=build --chown=10001:10001 /out/log /var/log/clawgate
COPY --from=build /out/guard /run/guard
COPY --from=build /out/clawgate /usr/local/bin/clawgate
# By number, so that Kubernetes can tell that it is not root.
USER 10001:10001
EXPOSE 8080 8081 18789 18790
# For the sidecar; compose.yaml has one for each service.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["clawgate", "healthcheck", "sidecar"]
ENTRYPOINT ["clawgate"]
CMD ["sidecar"]
