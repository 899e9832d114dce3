/**
 * Images through methods and metrics: {@link org.ttame.eval.evaluation.Evaluation} measures, {@link
 * org.ttame.eval.evaluation.EvaluationResult} holds one value per image, method and metric, {@link
 * org.ttame.eval.evaluation.EvaluationStatistics} compares methods.
 */
package org.ttame.eval.evaluation;
