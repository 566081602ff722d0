# One image for every service: `docker run hashbus run poller`, `docker run hashbus up`. Another base with Python 3.11 or
# newer works too: --build-arg BASE=...
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
WORKDIR /build
RUN python3 -m venv /opt/hashbus
COPY requirements/setup.txt requirements/run.txt requirements/
RUN /opt/hashbus/bin/pip install --no-cache-dir --require-hashes -r requirements/setup.txt -r requirements/run.txt
COPY libs libs
COPY services services
RUN /opt/hashbus/bin/pip install --no-cache-dir --no-deps --no-build-isolation ./libs/common ./services/*/

FROM ${BASE}
# The number is fixed so that volumes and secrets keep their owner from one image to the next.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/hashbus --shell /usr/sbin/nologin hashbus \
    && install -d -o hashbus -g hashbus -m 750 /var/lib/hashbus /etc/hashbus
COPY --from=build /opt/hashbus /opt/hashbus
ENV PATH=/opt/hashbus/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HASHBUS_CONFIG=/etc/hashbus/site.yaml \
    HASHBUS_DATA_DIR=/var/lib/hashbus
USER hashbus
WORKDIR /var/lib/hashbus
VOLUME /var/lib/hashbus
ENTRYPOINT ["hashbus"]
CMD ["up", "--plain"]
