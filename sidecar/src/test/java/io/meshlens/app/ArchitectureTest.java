// SPDX-License-Identifier: Apache-2.0
package io.meshlens.app;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.meshlens.kernel.MonoClock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The rooms of the program and the doors between them. */
final class ArchitectureTest {
  private static final String ROOT = "io.meshlens.";

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("io.meshlens");

  private static String room(JavaClass javaClass) {
    String name = javaClass.getPackageName();
    return name.startsWith(ROOT) ? name.substring(ROOT.length()) : "";
  }

  private static String[] packages(String rooms) {
    return Arrays.stream(rooms.split(" ", -1)).map(r -> ROOT + r).toArray(String[]::new);
  }

  @Test
  void everyRoomIsKnownToTheRules() {
    assertThat(CLASSES.stream().map(ArchitectureTest::room).collect(Collectors.toSet()))
        .containsExactlyInAnyOrder(
            "accesslog",
            "api",
            "app",
            "cli",
            "config",
            "enrich",
            "enrich.kubernetes",
            "enrich.xds",
            "export",
            "flow",
            "kernel",
            "libbpf",
            "metrics",
            "netlink",
            "spool",
            "vitals",
            "wire");
  }

  @ParameterizedTest
  @CsvSource({
    "libbpf, libbpf",
    "netlink, netlink libbpf",
    "wire, libbpf wire",
    "flow, flow",
    "vitals, vitals",
    "config, config",
    "kernel, kernel libbpf netlink wire flow vitals",
    "enrich, enrich flow vitals",
    "enrich.kubernetes, enrich.kubernetes enrich flow vitals",
    "enrich.xds, enrich.xds enrich flow vitals",
    "metrics, metrics flow vitals",
    "accesslog, accesslog flow vitals",
    "spool, spool",
    "export, export metrics accesslog flow spool vitals",
    "api, api metrics vitals",
    "cli, cli app config kernel vitals libbpf wire"
  })
  void roomImportsOnlyWhatItMay(String room, String allowed) {
    DescribedPredicate<JavaClass> otherRoom =
        JavaClass.Predicates.resideInAPackage("io.meshlens..")
            .and(
                DescribedPredicate.not(JavaClass.Predicates.resideInAnyPackage(packages(allowed))));

    noClasses()
        .that()
        .resideInAPackage(ROOT + room)
        .should()
        .dependOnClassesThat(otherRoom)
        .check(CLASSES);
  }

  @Test
  void nativeBindingAndWireAreMentionedByTheCommandLineForTheirVersionsOnly() {
    noClasses()
        .that()
        .resideInAPackage(ROOT + "cli")
        .and()
        .doNotHaveSimpleName("VersionCommand")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(packages("libbpf wire"))
        .check(CLASSES);
  }

  @Test
  void packagesHaveNoCycles() {
    slices().matching(ROOT + "(*)..").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void onlyTheCompositionRootMakesThreadsAndTheShutdownHookIsTheException() {
    assertThat(
            users(
                access ->
                    (access.getTargetOwner().isAssignableTo(Thread.class)
                            && (access.getTarget().getName().equals("<init>")
                                || access.getTarget().getName().startsWith("startVirtual")
                                || access.getTarget().getName().startsWith("of")))
                        || access.getTargetOwner().isEquivalentTo(Executors.class)))
        .containsExactly("app.Sidecar", "app.Threads", "cli.RunCommand");
  }

  @Test
  void onlyTheCommandLineEndsTheProcess() {
    assertThat(users(access -> isCall(access, System.class, "exit"))).containsExactly("cli.Main");
    assertThat(users(access -> isCall(access, Runtime.class, "halt")))
        .containsExactly("cli.RunCommand");
    assertThat(users(access -> isCall(access, Runtime.class, "exit"))).isEmpty();
  }

  @Test
  void onlyTheCommandLineReadsTheEnvironment() {
    assertThat(users(access -> isCall(access, System.class, "getenv")))
        .containsExactly("cli.ConfigOptions");
  }

  @Test
  void onlyOneClassReadsTheMonotonicClock() {
    assertThat(users(access -> isCall(access, System.class, "nanoTime")))
        .containsExactly("kernel." + MonoClock.class.getSimpleName());
  }

  @Test
  void generatedProtocolTypesAppearOnlyAtTheWaysOutAndWhereTheyAreRead() {
    noClasses()
        .that()
        .resideOutsideOfPackages(packages("export api enrich.xds"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "io.envoyproxy..", "io.istio..", "io.opentelemetry.proto..", "com.google.rpc..")
        .check(CLASSES);
  }

  @Test
  void domainDoesNoInputOrOutput() {
    DescribedPredicate<JavaClass> inputOrOutput =
        JavaClass.Predicates.resideInAnyPackage("java.io..", "java.net..", "java.nio.file..")
            .and(
                DescribedPredicate.describe(
                    "other than addresses and what every enum and record carries",
                    c ->
                        !List.of(
                                "java.net.InetAddress",
                                "java.net.UnknownHostException",
                                "java.io.Serializable")
                            .contains(c.getName())));

    noClasses()
        .that()
        .resideInAPackage(ROOT + "flow")
        .should()
        .dependOnClassesThat(inputOrOutput)
        .check(CLASSES);
  }

  @Test
  void domainHasNoClock() {
    noClasses()
        .that()
        .resideInAPackage(ROOT + "flow")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("java.time..")
        .check(CLASSES);
  }

  @Test
  void noClassIsADrawer() {
    classes()
        .that()
        .resideInAPackage("io.meshlens..")
        .should()
        .haveNameNotMatching(".*(Manager|Helper|Utils?|Handler|Impl|Data|Info|Base)")
        .check(
            CLASSES.that(
                DescribedPredicate.describe(
                    "but the BPF helper, which is the kernel's word",
                    c -> !c.getName().equals("io.meshlens.libbpf.Helper"))));
  }

  private interface Use {
    boolean matches(JavaAccess<?> access);
  }

  private static boolean isCall(JavaAccess<?> access, Class<?> owner, String name) {
    return access.getTargetOwner().isEquivalentTo(owner)
        && access.getTarget().getName().equals(name);
  }

  /** Outermost classes, without the root package, that call or refer to a member. */
  private static List<String> users(Use use) {
    TreeSet<String> users = new TreeSet<>();
    for (JavaClass javaClass : CLASSES) {
      List<JavaAccess<?>> accesses = new ArrayList<>(javaClass.getAccessesFromSelf());
      accesses.addAll(javaClass.getMethodReferencesFromSelf());
      accesses.addAll(javaClass.getConstructorReferencesFromSelf());
      if (accesses.stream().anyMatch(use::matches)) {
        String name = javaClass.getName().substring(ROOT.length());
        users.add(name.contains("$") ? name.substring(0, name.indexOf('$')) : name);
      }
    }
    return List.copyOf(users);
  }
}
