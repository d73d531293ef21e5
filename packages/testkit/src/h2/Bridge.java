/*
 * H2 behind stdin and stdout: one JSON object a line in, one a line out, in the order in which they are done. Every session has a
 * thread of its own, so one that waits for a lock holds up nobody else. Ends when stdin ends, so it never outlives the test.
 *
 * in   {"id":1,"session":"s1","op":"open","url":"jdbc:h2:mem:x;MODE=Oracle"}
 *      {"id":2,"session":"s1","op":"run","sql":"SELECT ?","params":[1]}
 *      {"id":3,"session":"s1","op":"begin"} and "commit", "rollback", "close"
 * out  {"id":2,"columns":[{"name":"N","type":"INTEGER","precision":32,"scale":0,"nullable":true}],"rows":[[1]],"touched":null}
 *      {"id":3,"error":{"code":23505,"state":"23505","message":"..."}}
 *
 * Nothing is translated here: dialects differ from H2 in lists of their own, in TypeScript.
 */
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.Clob;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Types;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.h2.util.json.JSONArray;
import org.h2.util.json.JSONBoolean;
import org.h2.util.json.JSONNumber;
import org.h2.util.json.JSONObject;
import org.h2.util.json.JSONString;
import org.h2.util.json.JSONStringSource;
import org.h2.util.json.JSONValue;
import org.h2.util.json.JSONValueTarget;

public class Bridge {
  private static final BigDecimal MOST_EXACT = BigDecimal.valueOf(1L << 53);
  private static final PrintStream OUT = new PrintStream(System.out, false, StandardCharsets.UTF_8);

  public static void main(String[] args) throws Exception {
    Map<String, Session> sessions = new HashMap<>();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JSONObject request = (JSONObject) JSONStringSource.parse(line, new JSONValueTarget());
      String name = text(request, "session");
      Session session = sessions.computeIfAbsent(name, (key) -> new Session());
      if (text(request, "op").equals("close")) sessions.remove(name);
      session.thread.execute(() -> answer(session, request));
    }
    System.exit(0); // threads may still wait for locks
  }

  private static void answer(Session session, JSONObject request) {
    StringBuilder out = new StringBuilder("{\"id\":").append(((JSONNumber) request.getFirst("id")).getBigDecimal());
    int start = out.length();
    try {
      session.act(request, out);
    } catch (Exception thrown) {
      out.setLength(start);
      SQLException sql = thrown instanceof SQLException ? (SQLException) thrown : null;
      out.append(",\"error\":{\"code\":").append(sql == null ? 0 : sql.getErrorCode()).append(",\"state\":");
      quote(out, sql == null ? "" : sql.getSQLState());
      out.append(",\"message\":");
      quote(out, thrown.getMessage() == null ? thrown.toString() : thrown.getMessage());
      out.append('}');
    }
    out.append("}\n");
    synchronized (OUT) {
      OUT.append(out).flush();
    }
  }

  private static final class Session {
    final ExecutorService thread = Executors.newSingleThreadExecutor();
    private Connection connection;

    void act(JSONObject request, StringBuilder out) throws SQLException {
      switch (text(request, "op")) {
        case "open" -> connection = DriverManager.getConnection(text(request, "url"));
        case "begin" -> connection.setAutoCommit(false);
        case "commit" -> {
          connection.commit();
          connection.setAutoCommit(true);
        }
        case "rollback" -> {
          connection.rollback();
          connection.setAutoCommit(true);
        }
        case "close" -> {
          // H2 commits what is open when a connection closes; databases roll back.
          if (connection != null && !connection.getAutoCommit()) connection.rollback();
          if (connection != null) connection.close();
          thread.shutdown();
        }
        case "run" -> run(text(request, "sql"), ((JSONArray) request.getFirst("params")).getArray(), out);
        default -> throw new SQLException("no such op");
      }
    }

    private void run(String sql, JSONValue[] params, StringBuilder out) throws SQLException {
      try (PreparedStatement statement = connection.prepareStatement(sql)) {
        for (int at = 0; at < params.length; at++) bind(statement, at + 1, params[at]);
        if (statement.execute()) {
          try (ResultSet rows = statement.getResultSet()) {
            write(rows, out);
          }
        } else {
          out.append(",\"columns\":[],\"rows\":[],\"touched\":").append(statement.getUpdateCount());
        }
      }
    }
  }

  private static void bind(PreparedStatement statement, int place, JSONValue value) throws SQLException {
    if (value instanceof JSONString string) statement.setString(place, string.getString());
    else if (value instanceof JSONBoolean flag) statement.setBoolean(place, flag.getBoolean());
    else if (value instanceof JSONNumber number) statement.setBigDecimal(place, number.getBigDecimal());
    else statement.setNull(place, Types.NULL);
  }

  private static void write(ResultSet rows, StringBuilder out) throws SQLException {
    ResultSetMetaData about = rows.getMetaData();
    int width = about.getColumnCount();
    out.append(",\"touched\":null,\"columns\":[");
    for (int at = 1; at <= width; at++) {
      if (at > 1) out.append(',');
      quote(out.append("{\"name\":"), about.getColumnLabel(at));
      quote(out.append(",\"type\":"), about.getColumnTypeName(at));
      out.append(",\"precision\":").append(about.getPrecision(at)).append(",\"scale\":").append(about.getScale(at));
      out.append(",\"nullable\":").append(about.isNullable(at) != ResultSetMetaData.columnNoNulls).append('}');
    }
    out.append("],\"rows\":[");
    for (boolean first = true; rows.next(); first = false) {
      if (!first) out.append(',');
      for (int at = 1; at <= width; at++) value(out.append(at == 1 ? '[' : ','), cell(rows, about.getColumnType(at), at));
      out.append(']');
    }
    out.append(']');
  }

  /** Not as `java.sql.Timestamp`, which counts the days before 1582 by another calendar. */
  private static Object cell(ResultSet rows, int type, int at) throws SQLException {
    return type == Types.TIMESTAMP ? rows.getObject(at, LocalDateTime.class) : rows.getObject(at);
  }

  /** Numbers that JavaScript cannot hold are text; times with a zone are UTC, those without have no letter at the end. */
  private static void value(StringBuilder out, Object value) throws SQLException {
    if (value == null || value instanceof Boolean) out.append(value);
    else if (value instanceof BigDecimal || value instanceof Number) {
      BigDecimal number = new BigDecimal(value.toString());
      if (number.abs().compareTo(MOST_EXACT) <= 0) out.append(number.toPlainString());
      else quote(out, number.toPlainString());
    } else if (value instanceof OffsetDateTime time) quote(out, time.withOffsetSameInstant(ZoneOffset.UTC).toString());
    else if (value instanceof Clob clob) quote(out, clob.getSubString(1, (int) clob.length()));
    else if (value instanceof byte[] bytes) quote(out, HexFormat.of().formatHex(bytes));
    else quote(out, value.toString());
  }

  private static String text(JSONObject object, String name) {
    return ((JSONString) object.getFirst(name)).getString();
  }

  private static void quote(StringBuilder out, String text) {
    out.append('"');
    for (int at = 0; at < text.length(); at++) {
      char letter = text.charAt(at);
      if (letter == '"' || letter == '\\') out.append('\\').append(letter);
      else if (letter < ' ' || Character.isSurrogate(letter)) out.append(String.format("\\u%04x", (int) letter));
      else out.append(letter);
    }
    out.append('"');
  }
}
