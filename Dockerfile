# The service with its own OPA, for `serve`. Everything in it is checked by its digest, but for the base images: their tags
# can move, so give them by digest, as those that you have tried:
#     docker build --build-arg PYTHON_IMAGE=python@sha256:… --build-arg GO_IMAGE=golang@sha256:… .
# It needs no shell, no root and no tree that it can write to; /var/lib/authz and /tmp alone are written:
#     docker run --read-only --tmpfs /tmp --volume authz:/var/lib/authz --cap-drop ALL --security-opt no-new-privileges …
ARG GO_IMAGE=golang:1.27
ARG PYTHON_IMAGE=python:3.11-slim

# OPA is built from its pinned module, as `make setup` can: every source is checked against go.sum, the version
# is stated in go.mod alone, and no tag of another image can move under it.
FROM --platform=${BUILDPLATFORM} ${GO_IMAGE} AS opa
ARG TARGETOS
ARG TARGETARCH
ENV CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-mod=readonly
WORKDIR /src
COPY tools/opa/go.mod tools/opa/go.sum ./
RUN GOOS=${TARGETOS} GOARCH=${TARGETARCH} go build -trimpath -buildvcs=false -ldflags "-s -w" \
    -o /out/opa github.com/open-policy-agent/opa

FROM ${PYTHON_IMAGE} AS service
# The time of files in the wheel, so that it is the same whenever it is built.
ARG SOURCE_DATE_EPOCH=315532800
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# Without pip: nothing is installed where the service runs.
RUN python -m venv --without-pip /opt/venv
COPY requirements.txt requirements-build.txt ./
RUN pip --python /opt/venv/bin/python install --require-hashes --only-binary :all: -r requirements.txt
RUN pip install --require-hashes --only-binary :all: -r requirements-build.txt
COPY pyproject.toml README.md ./
COPY authz_service authz_service
RUN pip wheel --no-build-isolation --no-deps --wheel-dir /out . \
    && pip --python /opt/venv/bin/python install --no-index --no-deps /out/*.whl

FROM ${PYTHON_IMAGE}
COPY --from=opa /out/opa /usr/local/bin/opa
COPY --from=service /opt/venv /opt/venv
COPY policies /srv/policies
# All that could be compiled has been, and nothing could be kept of the rest.
# The driver of PostgreSQL looks for root certificates elsewhere than the base image has them, unless it is told;
# Python and OPA read the same variable.
ENV PATH=/opt/venv/bin:${PATH} PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 AUTHZ_POLICIES=/srv/policies \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
# An image with another OPA than the service accepts is not made.
RUN ["python", "-c", "import os; from authz_service.opa.binary import find_opa; find_opa(os.environ, None)"]
# Nor is one without root certificates.
RUN ["python", "-c", "import os, ssl; assert ssl.create_default_context(cafile=os.environ['SSL_CERT_FILE']).get_ca_certs()"]
# The base image has pip for itself, which nothing here needs.
RUN ["/usr/local/bin/python", "-m", "pip", "uninstall", "--yes", "--root-user-action", "ignore", "pip"]
# A number, because an orchestrator cannot tell that a name is not root; a folder, because a database file needs one.
RUN ["install", "-d", "-m", "0700", "-o", "10001", "-g", "10001", "/var/lib/authz"]
VOLUME ["/var/lib/authz"]
WORKDIR /var/lib/authz
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
# No proxy: the question is whether this container answers.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["python", "-c", \
    "import urllib.request as r; r.build_opener(r.ProxyHandler({})).open('http://127.0.0.1:8080/healthz', timeout=3)"]
ENTRYPOINT ["authz-service"]
CMD ["serve", "--host", "0.0.0.0"]
