// SPDX-License-Identifier: Apache-2.0
package io.meshlens.accesslog;

import com.google.common.collect.ImmutableCollection;
import com.google.common.collect.ImmutableMap;
import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import dev.cel.common.CelAbstractSyntaxTree;
import dev.cel.common.CelIssue;
import dev.cel.common.CelOptions;
import dev.cel.common.CelValidationException;
import dev.cel.common.CelValidationResult;
import dev.cel.common.ast.CelConstant;
import dev.cel.common.ast.CelExpr;
import dev.cel.common.navigation.CelNavigableAst;
import dev.cel.common.types.CelType;
import dev.cel.common.types.CelTypeProvider;
import dev.cel.common.types.ListType;
import dev.cel.common.types.SimpleType;
import dev.cel.common.types.StructType;
import dev.cel.compiler.CelCompiler;
import dev.cel.compiler.CelCompilerBuilder;
import dev.cel.compiler.CelCompilerFactory;
import dev.cel.parser.CelStandardMacro;
import dev.cel.runtime.CelEvaluationException;
import dev.cel.runtime.CelRuntime;
import dev.cel.runtime.CelRuntimeFactory;
import dev.cel.validator.CelValidatorFactory;
import dev.cel.validator.validators.DurationLiteralValidator;
import dev.cel.validator.validators.TimestampLiteralValidator;
import io.meshlens.flow.Connection;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.stream.Collectors;

/**
 * An expression in CEL, the Common Expression Language, over the fields of a record. There are no
 * loops in it, and regular expressions take linear time, so that its cost is bounded by its length.
 *
 * <p>Owned by: ring-reader. Making one loads the compiler's classes, which takes a second and some
 * megabytes: nothing of it happens without a filter.
 */
public final class RecordFilter {
  private static final int MAX_EXPRESSION_CHARS = 4096;
  private static final int MAX_DEPTH = 64;
  private static final String TYPE_PREFIX = "meshlens.";

  private static final CelOptions OPTIONS =
      CelOptions.current()
          .enableComprehension(false)
          .enableHeterogeneousNumericComparisons(true)
          .maxExpressionCodePointSize(MAX_EXPRESSION_CHARS)
          .maxParseRecursionDepth(MAX_DEPTH)
          .build();
  private static final CelRuntime RUNTIME =
      CelRuntimeFactory.plannerRuntimeBuilder().setOptions(OPTIONS).build();

  /** What is known of every record, and may be said without {@code connection} before it. */
  private static final Map<String, CelType> VARIABLES =
      Map.of(
          "event", SimpleType.STRING,
          "direction", SimpleType.STRING,
          "bytes", SimpleType.INT,
          "response_flags", ListType.create(SimpleType.STRING));

  private static final java.util.regex.Pattern LAST_WORD =
      java.util.regex.Pattern.compile("(\\w+)\\s*$");

  /** It could not be said whether a record is accepted. */
  static final class EvaluationFailed extends Exception {
    private static final long serialVersionUID = 1;

    EvaluationFailed(CelEvaluationException cause) {
      super(cause.getMessage(), cause, false, false);
    }
  }

  private final CelRuntime.Program program;
  private final Map<String, RecordGroup> groups = new LinkedHashMap<>();
  private Connection current = new Connection();

  private RecordFilter(CelAbstractSyntaxTree ast, RecordFields fields) {
    try {
      program = RUNTIME.createProgram(ast);
    } catch (CelEvaluationException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
    fields
        .byGroup()
        .forEach((name, group) -> groups.put(name, new RecordGroup(type(name, group), group)));
  }

  /**
   * Compiles an expression.
   *
   * @throws IllegalArgumentException when it has {@link #problems}
   */
  static RecordFilter of(String expression, ConnectionIds ids) {
    RecordFields fields = new RecordFields(ids);
    try {
      return new RecordFilter(compiler(fields).compile(expression).getAst(), fields);
    } catch (CelValidationException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  /** What is wrong with an expression, with positions and the names that there are. */
  public static List<String> problems(String expression) {
    RecordFields fields = new RecordFields(new ConnectionIds("00000000"));
    CelCompiler compiler = compiler(fields);
    CelValidationResult result = compiler.compile(expression);
    if (!result.hasError()) {
      result =
          CelValidatorFactory.standardCelValidatorBuilder(compiler, RUNTIME)
              .addAstValidators(
                  DurationLiteralValidator.INSTANCE, TimestampLiteralValidator.INSTANCE)
              .build()
              .validate(ast(result));
    }
    if (!result.hasError()) {
      return patternProblems(ast(result));
    }
    return result.getErrors().stream().map(issue -> text(issue, expression, fields)).toList();
  }

  private static CelAbstractSyntaxTree ast(CelValidationResult result) {
    try {
      return result.getAst();
    } catch (CelValidationException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The library would find them only when it evaluates. */
  private static List<String> patternProblems(CelAbstractSyntaxTree ast) {
    List<String> problems = new ArrayList<>();
    CelNavigableAst.fromAst(ast)
        .getRoot()
        .allNodes()
        .filter(node -> node.getKind() == CelExpr.ExprKind.Kind.CALL)
        .map(node -> node.expr().call())
        .filter(call -> call.function().equals("matches") && !call.args().isEmpty())
        .map(call -> call.args().getLast())
        .filter(argument -> argument.getKind() == CelExpr.ExprKind.Kind.CONSTANT)
        .map(CelExpr::constant)
        .filter(constant -> constant.getKind() == CelConstant.Kind.STRING_VALUE)
        .forEach(
            constant -> {
              try {
                Pattern.compile(constant.stringValue());
              } catch (PatternSyntaxException e) {
                problems.add(
                    "no regular expression (RE2): \"%s\": %s"
                        .formatted(constant.stringValue(), e.getDescription()));
              }
            });
    return problems;
  }

  private static String text(CelIssue issue, String expression, RecordFields fields) {
    int line = issue.getSourceLocation().getLine();
    int column = issue.getSourceLocation().getColumn();
    String text =
        "line %d, character %d: %s"
            .formatted(line, column + 1, issue.getMessage().replace(" (in container '')", ""));
    if (issue.getMessage().startsWith("undefined field")) {
      List<String> lines = expression.lines().toList();
      String before =
          line >= 1 && line <= lines.size()
              ? lines.get(line - 1).substring(0, Math.min(column, lines.get(line - 1).length()))
              : "";
      Matcher group = LAST_WORD.matcher(before);
      if (group.find() && fields.byGroup().containsKey(group.group(1))) {
        text +=
            "; %s has %s"
                .formatted(
                    group.group(1),
                    String.join(
                        ", ", fields.byGroup().getOrDefault(group.group(1), Map.of()).keySet()));
      }
    } else if (issue.getMessage().startsWith("undeclared reference")) {
      text += "; there are " + names(fields);
    }
    return text;
  }

  private static String names(RecordFields fields) {
    return VARIABLES.keySet().stream().sorted().collect(Collectors.joining(", "))
        + ", "
        + fields.byGroup().keySet().stream().map(g -> g + ".*").collect(Collectors.joining(", "));
  }

  private static CelCompiler compiler(RecordFields fields) {
    ImmutableMap.Builder<String, CelType> types = ImmutableMap.builder();
    CelCompilerBuilder builder =
        CelCompilerFactory.standardCelCompilerBuilder()
            .setOptions(OPTIONS)
            .setStandardMacros(CelStandardMacro.HAS)
            .setResultType(SimpleType.BOOL);
    VARIABLES.forEach(builder::addVar);
    fields
        .byGroup()
        .forEach(
            (name, group) -> {
              StructType type = type(name, group);
              types.put(type.name(), type);
              builder.addVar(name, type);
            });
    return builder.setTypeProvider(new GroupTypes(types.buildOrThrow())).build();
  }

  /** The compiler's knowledge of what the groups have. */
  private static final class GroupTypes implements CelTypeProvider {
    private final ImmutableMap<String, CelType> types;

    GroupTypes(ImmutableMap<String, CelType> types) {
      this.types = types;
    }

    @Override
    public ImmutableCollection<CelType> types() {
      return types.values();
    }

    @Override
    public Optional<CelType> findType(String name) {
      return Optional.ofNullable(types.get(name));
    }
  }

  private static StructType type(String name, Map<String, RecordField> group) {
    ImmutableMap<String, CelType> types =
        group.values().stream()
            .collect(ImmutableMap.toImmutableMap(RecordField::name, f -> type(f.kind())));
    return StructType.create(
        TYPE_PREFIX + name, types.keySet(), field -> Optional.ofNullable(types.get(field)));
  }

  private static CelType type(RecordField.Kind kind) {
    return switch (kind) {
      case INT -> SimpleType.INT;
      case TEXT -> SimpleType.STRING;
      case DURATION -> SimpleType.DURATION;
      case TIME -> SimpleType.TIMESTAMP;
    };
  }

  /**
   * Whether the expression is true for a record.
   *
   * @throws EvaluationFailed when it has no value, mostly because something is unknown
   */
  boolean accepts(Connection c) throws EvaluationFailed {
    current = c;
    groups.values().forEach(group -> group.look(c));
    try {
      return Boolean.TRUE.equals(program.eval(this::variable));
    } catch (CelEvaluationException e) {
      throw new EvaluationFailed(e);
    }
  }

  private Optional<Object> variable(String name) {
    return switch (name) {
      case "event" -> Optional.of(current.event.label());
      case "direction" -> Optional.of(current.direction.label());
      case "bytes" -> Optional.of(current.bytesSent + current.bytesReceived);
      case "response_flags" ->
          Optional.of(ResponseFlag.of(current).stream().map(ResponseFlag::code).toList());
      default -> Optional.ofNullable(groups.get(name));
    };
  }
}
