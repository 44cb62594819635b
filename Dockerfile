# The meshlens image: Debian 13, libbpf, and /opt/meshlens with a Java runtime cut down to the
# modules that the program uses. Needs no BuildKit: `docker build .` and `buildah bud .` both work;
# scripts/image.sh builds, starts and measures it.

# The base can be another name for the same distribution, such as a mirrored or a local one.
ARG BASE=debian:trixie-slim

FROM ${BASE} AS build
ENV DEBIAN_FRONTEND=noninteractive
# Tools first: a change of the sources leaves this layer alone.
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends \
      openjdk-25-jdk-headless maven ca-certificates-java \
      clang llvm libbpf-dev bpftool make gcc libc6-dev pkg-config binutils \
 && rm -rf /var/lib/apt/lists/* \
 && ln -s "/usr/lib/jvm/java-25-openjdk-$(dpkg --print-architecture)" /opt/jdk
ENV JAVA_HOME=/opt/jdk PATH=/opt/jdk/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# Authorities that the building machine adds to Debian's own (mounted there by scripts/image.sh when
# downloads pass an inspecting proxy) serve this stage; /opt/cacerts, which goes into the image, is
# the store without them.
RUN update-ca-certificates \
 && cp -L /etc/ssl/certs/java/cacerts /opt/cacerts \
 && for added in /usr/local/share/ca-certificates/*.crt; do \
      [ -e "$added" ] || continue; \
      keytool -delete -keystore /opt/cacerts -storepass changeit \
        -alias "debian:$(basename "$added" .crt).pem" || exit 1; \
    done \
 && keytool -list -keystore /opt/cacerts -storepass changeit | grep -c trustedCertEntry

WORKDIR /build
COPY . .
ARG REVISION=unknown
RUN make dist commit="${REVISION}" \
 && mkdir -p /opt/meshlens \
 && cp -R sidecar/target/dist/. /opt/meshlens/
# The runtime's modules are read from the classes (jdeps prints them in its last line, warnings
# before), laid out as Java 25 sees them: versioned ones over the others, no module descriptors,
# because the program runs on the class path. Two libraries are left out of the reading because
# what they name beyond java.base is not reached: SnakeYAML's bean introspection (java.desktop) by
# its safe constructor, Gson's SQL dates (java.sql) by anything. Added by hand is what no class
# names: jdk.crypto.ec and jdk.naming.dns are found as services, jdk.management carries the JVM's own
# metrics, SnakeYAML wants java.logging.
# The class data archive is dumped by the runtime itself: jlink would add a second one, of 14 MB,
# for heaps without compressed pointers.
RUN mkdir /tmp/classes \
 && cd /tmp/classes \
 && for jar in /opt/meshlens/lib/*.jar; do \
      case ${jar##*/} in snakeyaml-*|gson-*) continue ;; esac; \
      jar xf "$jar" || exit 1; \
      for version in $(seq 9 25); do \
        [ ! -d META-INF/versions/$version ] || cp -R META-INF/versions/$version/. . || exit 1; \
      done; \
      rm -rf META-INF; \
    done \
 && find . -name module-info.class -delete \
 && modules=$(jdeps --ignore-missing-deps --print-module-deps . | tail -n 1) \
 && echo "modules: $modules" \
 && jlink --add-modules "$modules,java.logging,jdk.unsupported,jdk.management,jdk.crypto.ec,jdk.naming.dns" \
      --strip-java-debug-attributes --no-header-files --no-man-pages \
      --output /opt/meshlens/runtime \
 && /opt/meshlens/runtime/bin/java -Xshare:dump -Xlog:disable -Xlog:all=error \
 && rm -f /opt/meshlens/runtime/lib/security/cacerts \
 && cp /opt/cacerts /opt/meshlens/runtime/lib/security/cacerts \
 && rm -rf /tmp/classes

FROM ${BASE}
# libbpf1 brings libelf and zlib; the image carries no compiler, package manager state or JDK.
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libbpf1 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log
COPY --from=build /opt/meshlens /opt/meshlens
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="meshlens" \
      org.opencontainers.image.description="Service-mesh observability from inside the kernel" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# The telemetry listener: /metrics, /healthz, /readyz.
EXPOSE 15020
# Root, because attaching BPF programs needs capabilities that a non-root user does not keep; the
# chart drops all others.
ENTRYPOINT ["/opt/meshlens/bin/meshlens"]
CMD ["run"]
