// JDBC: java -cp postgresql.jar Jdbc.java URL
import java.sql.*;
import org.postgresql.util.PGobject;

public class Jdbc
{
	static int passed = 0;

	static void check(String what, Object found, Object expected)
	{
		if (!String.valueOf(found).equals(String.valueOf(expected)))
		{
			System.out.println("not ok - " + what + ": " + found + ", not " + expected);
			System.exit(1);
		}
		System.out.println("ok " + ++passed + " - " + what);
	}

	static ResultSet row(PreparedStatement statement) throws SQLException
	{
		ResultSet result = statement.executeQuery();
		result.next();
		return result;
	}

	public static void main(String[] args) throws Exception
	{
		try (Connection db = DriverManager.getConnection(args[0]))
		{
			// A BI tool looks for tables and their columns, and sees plain types.
			DatabaseMetaData meta = db.getMetaData();
			ResultSet columns = meta.getColumns(null, "public", "customer_scores_bi", "%");
			int count = 0;
			String remark = "";
			while (columns.next())
			{
				count++;
				if (columns.getInt("DATA_TYPE") == Types.OTHER)
					check("the type of " + columns.getString("COLUMN_NAME"), "other", "plain");
				if (columns.getString("COLUMN_NAME").equals("churn_prob"))
					remark = columns.getString("REMARKS");
			}
			check("columns are listed, of types that JDBC knows", count > 15, true);
			check("with their comments", remark, "probability, 0 to 1, that the customer is gone");
			check("the view is a view", meta.getTables(null, "public", "customer_scores_bi", new String[] {"VIEW"}).next(), true);

			// A dashboard's filters, as parameters of a prepared statement, often enough for the server to keep its plan.
			PreparedStatement filter = db.prepareStatement("SELECT segment, count(*), sum(clv_365d), max(last_order_on) FROM customer_scores_bi "
				+ "WHERE segment = ? AND churn_prob < ? AND last_order_on >= ? GROUP BY segment");
			for (int i = 0; i < 10; i++)
			{
				filter.setString(1, "Champions");
				filter.setDouble(2, 0.5);
				filter.setDate(3, Date.valueOf("2025-01-01"));
				ResultSet result = row(filter);
				if (i == 9)
				{
					check("filters by parameters", result.getLong(2) > 0 && result.getDouble(3) > 0, true);
					check("dates are dates", result.getDate(4).toString().startsWith("2025"), true);
				}
			}

			// Values come as PGobject, and go back as such, or as text with a cast.
			PreparedStatement select = db.prepareStatement("SELECT history FROM histories WHERE customer_id = 1001");
			Object history = row(select).getObject(1);
			check("a history is a PGobject", ((PGobject) history).getType(), "purchase_history");
			check("its value is JSON", ((PGobject) history).getValue(), "{\"orders\": [[\"2025-01-05\", 12.5], [\"2025-03-01\", 30]]}");
			PreparedStatement cast = db.prepareStatement("SELECT order_count(?::purchase_history)");
			cast.setString(1, ((PGobject) history).getValue());
			check("text in, with a cast", row(cast).getLong(1), 2);
			PreparedStatement object = db.prepareStatement("UPDATE histories SET history = ? WHERE customer_id = 1001");
			object.setObject(1, history);
			check("PGobject in", object.executeUpdate(), 1);

			// Parameters whose types the server has to find out.
			PreparedStatement score = db.prepareStatement("SELECT rfm_score(?, ?, ?, ?)");
			score.setInt(1, 5);
			score.setLong(2, 3);
			score.setDouble(3, 50.0);
			score.setObject(4, "{\"levels\": 2, \"customers\": 4, \"recency\": {\"cuts\": [12], \"effective_levels\": 2}, "
				+ "\"frequency\": {\"cuts\": [1], \"effective_levels\": 2}, \"monetary\": {\"cuts\": [45.5], \"effective_levels\": 2}}", Types.OTHER);
			check("cut points without a type", row(score).getString(1), "222/2");
			PreparedStatement churn = db.prepareStatement("SELECT churn_prob(history, ?::clv_model) FROM histories WHERE customer_id = 1001");
			churn.setString(1, "{\"model\": \"bg/nbd\", \"as_of\": \"2025-12-31\", \"timing\": {\"r\": 0.25, \"alpha\": 4.5, \"a\": 0.75, \"b\": 2.5}}");
			double probability = row(churn).getDouble(1);
			check("a score of a model in a parameter", probability > 0 && probability < 1, true);
			check("rows as JSON", row(db.prepareStatement("SELECT row_to_json(h) ->> 'history' FROM histories AS h WHERE customer_id = 1001")).getString(1),
				"{\"orders\": [[\"2025-01-05\", 12.5], [\"2025-03-01\", 30]]}");
		}
		System.out.println(passed + " passed");
	}
}
