// SPDX-License-Identifier: Apache-2.0
package io.meshlens.kernel;

import io.meshlens.flow.Address;
import io.meshlens.flow.Direction;
import io.meshlens.flow.IpNetwork;
import io.meshlens.kernel.FilterConfig.OwnTraffic;
import io.meshlens.libbpf.BpfIterator;
import io.meshlens.libbpf.BpfLink;
import io.meshlens.libbpf.BpfMap;
import io.meshlens.libbpf.BpfObject;
import io.meshlens.libbpf.UpdateMode;
import io.meshlens.wire.FilterCgroupWriter;
import io.meshlens.wire.FilterControlWriter;
import io.meshlens.wire.FilterHeadWriter;
import io.meshlens.wire.FilterRuleWriter;
import io.meshlens.wire.WireCodes;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Puts filters into the kernel. Rules are written to the one of two sets that is not in force,
 * which a single number then exchanges: a connection is judged by the rules before or those after.
 * Safe for any thread.
 */
public final class Filters implements AutoCloseable {
  private static final int NONE = -1;
  private static final long ALL_BITS = 0xffff_ffffL;

  /** A program that began before an exchange has ended long before the next. */
  private static final long SETTLE_NS = TimeUnit.MILLISECONDS.toNanos(100);

  private final BpfObject object;
  private final WatchedCgroup watched;
  private final BpfMap control;
  private final BpfMap sets;
  private final BpfMap cgroups;
  private final ByteBuffer controlValue = direct(FilterControlWriter.SIZE_BYTES);
  private final ByteBuffer setValue =
      direct(
          FilterHeadWriter.SIZE_BYTES + WireCodes.FILTER_LIMIT_RULES * FilterRuleWriter.SIZE_BYTES);
  private final ByteBuffer cgroupKey = direct(FilterCgroupWriter.SIZE_BYTES);
  private final ByteBuffer cgroupRules = direct(Long.BYTES);
  private final ByteBuffer index = direct(Integer.BYTES);
  private final FilterControlWriter controlWriter = new FilterControlWriter();
  private final FilterHeadWriter headWriter = new FilterHeadWriter();
  private final FilterRuleWriter ruleWriter = new FilterRuleWriter();
  private final FilterCgroupWriter cgroupWriter = new FilterCgroupWriter();
  private final List<List<Long>> cgroupsOfSets = List.of(new ArrayList<>(), new ArrayList<>());
  private Optional<InetSocketAddress> ownListener = Optional.empty();
  private int inForce = NONE;
  private int rules;
  private boolean closed;

  Filters(BpfObject object, WatchedCgroup watched) {
    this.object = object;
    this.watched = watched;
    control = object.map("filter_control");
    sets = object.map("filter_sets");
    cgroups = object.map("filter_cgroups");
    controlWriter.wrap(controlValue, 0);
    headWriter.wrap(setValue, 0);
    cgroupWriter.wrap(cgroupKey, 0);
  }

  private static ByteBuffer direct(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }

  /** Where this program listens: what comes in there is its own traffic, from the next apply. */
  public synchronized void setOwnListener(InetSocketAddress address) {
    ownListener = Optional.of(address);
  }

  /** Rules in force. */
  public synchronized int rules() {
    return rules;
  }

  /**
   * Puts filters in force for all connections that begin from now on.
   *
   * @return why they cannot be, in words; then those before stay
   */
  public synchronized List<String> apply(FilterConfig config) {
    List<String> problems = new ArrayList<>();
    Map<Path, Long> ids = new HashMap<>();
    config.all().flatMap(rule -> rule.cgroup().stream()).forEach(path -> find(path, ids, problems));
    if (!problems.isEmpty() || closed) {
      return problems;
    }
    int next = NONE;
    if (config.rules() > 0) {
      next = inForce == 0 ? 1 : 0;
      LockSupport.parkNanos(inForce == NONE ? 0 : SETTLE_NS);
      writeCgroups(next, config, ids);
      writeSet(next, config);
    }
    writeControl(next, config.ownTraffic());
    inForce = next;
    rules = config.rules();
    return List.of();
  }

  /** The number of a cgroup: a directory as it is, or below the watched one. */
  private void find(Path path, Map<Path, Long> ids, List<String> problems) {
    Path below = watched.directory().resolve(Path.of("/").relativize(path));
    Path directory = Cgroups.isCgroup2Directory(path) ? path : below;
    if (!Cgroups.isCgroup2Directory(directory)) {
      problems.add("filter: cgroup=%s: neither it nor %s is a cgroup".formatted(path, below));
      return;
    }
    try {
      ids.put(path, ((Number) Files.getAttribute(directory, "unix:ino")).longValue());
    } catch (IOException e) {
      problems.add("filter: cgroup=%s: %s".formatted(path, e));
    }
  }

  private void writeCgroups(int set, FilterConfig config, Map<Path, Long> ids) {
    Map<Long, Long> rulesOfCgroup = new HashMap<>();
    List<FilterRule> all = config.all().toList();
    for (int i = 0; i < all.size(); i++) {
      long bit = 1L << i;
      all.get(i)
          .cgroup()
          .ifPresent(path -> rulesOfCgroup.merge(ids.getOrDefault(path, 0L), bit, (a, b) -> a | b));
    }
    cgroupWriter.setSet(set);
    for (long id : cgroupsOfSets.get(set)) {
      cgroupWriter.setCgroupId(id);
      cgroups.delete(cgroupKey);
    }
    cgroupsOfSets.get(set).clear();
    rulesOfCgroup.forEach(
        (id, bits) -> {
          cgroupWriter.setCgroupId(id);
          cgroupRules.putLong(0, bits);
          cgroups.update(cgroupKey, cgroupRules, UpdateMode.ANY);
          cgroupsOfSets.get(set).add(id);
        });
  }

  private void writeSet(int set, FilterConfig config) {
    List<FilterRule> all = config.all().toList();
    headWriter.setRules(all.size());
    headWriter.setOtherwise(
        config.include().isEmpty()
            ? WireCodes.FILTER_VERDICT_WATCH
            : WireCodes.FILTER_VERDICT_EXCLUDE);
    headWriter.setNeeds(needs(config));
    for (int i = 0; i < all.size(); i++) {
      ruleWriter.wrap(setValue, FilterHeadWriter.SIZE_BYTES + i * FilterRuleWriter.SIZE_BYTES);
      ruleWriter.setVerdict(
          i < config.exclude().size()
              ? WireCodes.FILTER_VERDICT_EXCLUDE
              : WireCodes.FILTER_VERDICT_WATCH);
      writeRule(all.get(i));
    }
    index.putInt(0, set);
    sets.update(index, setValue, UpdateMode.ANY);
  }

  /** What the kernel has to find out about a connection before it can judge it. */
  private static int needs(FilterConfig config) {
    int needs = 0;
    if (config.all().anyMatch(FilterRule::hasAddress)) {
      needs |= WireCodes.FILTER_NEED_ADDRESS;
    }
    if (config.all().anyMatch(rule -> rule.pid().isPresent())) {
      needs |= WireCodes.FILTER_NEED_PID;
    }
    if (config.all().anyMatch(rule -> rule.netns().isPresent())) {
      needs |= WireCodes.FILTER_NEED_NETNS;
    }
    if (config.all().anyMatch(rule -> rule.cgroup().isPresent())) {
      needs |= WireCodes.FILTER_NEED_CGROUP;
    }
    if (config.include().stream().anyMatch(rule -> rule.network().isPresent())) {
      needs |= WireCodes.FILTER_NEED_LOCAL_ADDRESS;
    }
    return needs;
  }

  private void writeRule(FilterRule rule) {
    ruleWriter.setNetns(rule.netns().orElse(0));
    ruleWriter.setNetnsMask(rule.netns().isPresent() ? ALL_BITS : 0);
    ruleWriter.setPid(rule.pid().orElse(0));
    ruleWriter.setPidMask(rule.pid().isPresent() ? ALL_BITS : 0);
    ruleWriter.setFirstPort(rule.ports().first());
    ruleWriter.setLastPort(rule.ports().last());
    ruleWriter.setDirection(rule.direction().map(Filters::code).orElse(0));
    ruleWriter.setDirectionMask(rule.direction().isPresent() ? 0xff : 0);
    ruleWriter.setInCgroup(rule.cgroup().isPresent() ? 1 : 0);
    Optional<IpNetwork> network = rule.network();
    ruleWriter.setIpv6(network.isPresent() && network.get().isIpv6() ? 1 : 0);
    for (int word = 0; word < 2; word++) {
      ruleWriter.setMaskAddressWord(word, network.isPresent() ? network.get().maskWord(word) : 0);
    }
    Address base = network.map(IpNetwork::base).orElse(new Address(0, 0));
    ruleWriter.setNetworkAddressWord(0, base.high());
    ruleWriter.setNetworkAddressWord(1, base.low());
  }

  private static int code(Direction direction) {
    return switch (direction) {
      case OUTBOUND -> WireCodes.CONNECTION_DIRECTION_OUTBOUND;
      case INBOUND -> WireCodes.CONNECTION_DIRECTION_INBOUND;
    };
  }

  private void writeControl(int set, OwnTraffic ownTraffic) {
    boolean excluded = ownTraffic == OwnTraffic.EXCLUDED;
    if (excluded) {
      noteOwnProcess();
    }
    index.putInt(0, 0);
    control.lookup(index, controlValue);
    if (!excluded) {
      controlWriter.setOwnPid(0);
    }
    controlWriter.setActiveSet(set + 1);
    controlWriter.setOwnNetns(NetworkNamespaces.own());
    ownListener.ifPresent(
        address -> {
          Address own = Address.of(address.getAddress());
          controlWriter.setOwnAddressWord(0, own.high());
          controlWriter.setOwnAddressWord(1, own.low());
          controlWriter.setOwnPort(excluded ? address.getPort() : 0);
        });
    control.update(index, controlValue, UpdateMode.ANY);
  }

  /** The program runs in this process and sees its number on the node, which we may not. */
  private void noteOwnProcess() {
    try (BpfLink link = object.attachIterator("note_own_process", control);
        BpfIterator iterator = BpfIterator.open(link)) {
      iterator.run();
    }
  }

  /**
   * Our process and port may be somebody else's from now on; rules stay, for programs that outlive
   * us.
   */
  public synchronized void forgetOwnTraffic() {
    if (!closed) {
      writeControl(inForce, OwnTraffic.WATCHED);
    }
  }

  @Override
  public synchronized void close() {
    closed = true;
    control.close();
    sets.close();
    cgroups.close();
  }
}
