// SPDX-License-Identifier: Apache-2.0
package io.meshlens.enrich.xds;

import com.google.rpc.Code;
import com.google.rpc.Status;
import io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryRequest;
import io.envoyproxy.envoy.service.discovery.v3.Resource;
import io.meshlens.vitals.Log;
import io.meshlens.vitals.Vital;
import io.meshlens.vitals.Vitals;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Takes one response: every good resource comes into force, at once; each bad one is counted and
 * named, and the response is then answered with an error, which leaves what was there before. Owned
 * by: identity-istio.
 */
final class Intake implements ResponseReader.Visitor {
  /** What a response holds. */
  enum Extent {
    CHANGES,
    /** All there is: what is not in it is no more. */
    EVERYTHING
  }

  private static final int MOST_NAMED = 10;

  private final WorkloadTable table;
  private final ResourceReader reader;
  private final Vitals vitals;
  private final Log log;
  private final List<String> named = new ArrayList<>();
  private int refused;
  private int overLimit;
  private Optional<String> foreignNetwork = Optional.empty();

  Intake(WorkloadTable table, ResourceReader reader, Vitals vitals, Log log) {
    this.table = table;
    this.reader = reader;
    this.vitals = vitals;
    this.log = log;
  }

  /**
   * Reads and uses a response.
   *
   * @return the acknowledgement or refusal; empty for a response to what nobody asked for
   */
  Optional<DeltaDiscoveryRequest> take(InputStream body, Extent extent) throws IOException {
    named.clear();
    refused = 0;
    overLimit = 0;
    table.beginResponse();
    ResponseReader.Envelope envelope;
    try {
      envelope = ResponseReader.read(body, this);
      if (extent == Extent.EVERYTHING) {
        table.keepOnlyTold();
      }
    } finally {
      // Also of a damaged response: each resource stands for itself.
      say(table.commit());
    }
    vitals.increment(Vital.ISTIO_RESPONSES);
    if (!envelope.typeUrl().equals(ResourceReader.TYPE_URL)) {
      refuse(
          Vital.ISTIO_REFUSED_KIND,
          "a response is of type " + Shown.text(envelope.typeUrl()) + ", which nobody asked for");
      logRefusals();
      return Optional.empty();
    }
    logRefusals();
    return Optional.of(answer(envelope.nonce()));
  }

  private DeltaDiscoveryRequest answer(String nonce) {
    DeltaDiscoveryRequest.Builder answer =
        DeltaDiscoveryRequest.newBuilder()
            .setTypeUrl(ResourceReader.TYPE_URL)
            .setResponseNonce(nonce);
    if (refused > 0) {
      answer.setErrorDetail(
          Status.newBuilder().setCode(Code.INVALID_ARGUMENT_VALUE).setMessage(summary()));
    }
    return answer.build();
  }

  private String summary() {
    int more = refused - named.size();
    return String.join("; ", named) + (more > 0 ? "; and " + more + " more" : "");
  }

  private void logRefusals() {
    if (refused > 0) {
      log.warnRepeated(
          "istio-refused", "the control plane is answered with an error: " + summary());
    }
    if (overLimit > 0) {
      log.warnRepeated(
          "istio-limit",
          overLimit
              + " resources of the control plane are ignored, because there are as many as"
              + " identity.istio.max_resources allows; raise it");
    }
  }

  private void say(List<String> disputes) {
    if (!disputes.isEmpty()) {
      vitals.add(Vital.ISTIO_ADDRESSES_DISPUTED, disputes.size());
      log.warnRepeated(
          "istio-disputed",
          "%d addresses belong to several resources, such as %s: the latest has each, and nobody where they came at once"
              .formatted(disputes.size(), disputes.getFirst()));
    }
  }

  @Override
  public void resource(Resource resource) {
    try {
      Told told = reader.read(resource);
      if (told.unclaimed().foreign() > 0) {
        foreignNetwork = reader.foreignNetwork(told).or(() -> foreignNetwork);
      }
      table.tell(resource.getName(), resource.getVersion(), told);
    } catch (Refusal e) {
      refuse(resource.getName(), e);
    }
  }

  @Override
  public void damaged(String reason) {
    refuse(Vital.ISTIO_REFUSED_UNDECODABLE, reason);
  }

  @Override
  public void removed(String name) {
    try {
      table.remove(name);
    } catch (Refusal e) {
      refuse(name, e);
    }
  }

  private void refuse(String name, Refusal refusal) {
    if (refusal.vital() == Vital.ISTIO_REFUSED_LIMIT) {
      vitals.increment(refusal.vital());
      overLimit++;
      return;
    }
    refuse(refusal.vital(), Shown.text(name) + ": " + refusal.getMessage());
  }

  private void refuse(Vital vital, String problem) {
    vitals.increment(vital);
    refused++;
    if (named.size() < MOST_NAMED) {
      named.add(problem);
    }
  }

  /** A network of others that was told of lately. */
  Optional<String> foreignNetwork() {
    return foreignNetwork;
  }
}
