/*
 * concave.h
 *	  The choices worth their price: one of several for each customer, within a
 *	  budget for all of them (the multiple-choice knapsack).
 *
 * Of a customer's choices only those on the concave hull of gain over cost,
 * which begins at (0, 0), are the best at some price of the budget. From one
 * to the next the gain per cost falls. So to take steps of all customers in
 * the order of their gain per cost, until the budget ends, is optimal for what
 * it spends; with whole steps only, the total gain is less than the largest
 * possible by no more than the gain per cost of the first step left out times
 * what is left of the budget (Sinha and Zoltners 1979).
 */
#ifndef MODELS_DECISION_CONCAVE_H
#define MODELS_DECISION_CONCAVE_H

/*
 * Choices in order of cost, of equal cost the better first, all finite and no
 * larger than 1e200. Writes the indexes of those on the hull, in this order,
 * and returns their number.
 */
extern int concave_choices(const double *costs, const double *gains, int count, int *chosen);

#endif /* MODELS_DECISION_CONCAVE_H */
