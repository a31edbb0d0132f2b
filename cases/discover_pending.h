/* Weak references to what lands these minutes (terms, equations, regression): nomos links without it, and nomos discover needs it. */
#pragma weak NomosRegressionFind
#pragma weak NomosRegressionSolve
#pragma weak NomosRegressionDestroy
#pragma weak NomosLeastSquares
#pragma weak NomosEquationsEntries
#pragma weak NomosEquationsTerms
#pragma weak NomosTermsText
#pragma weak NomosTermsLatex
#pragma weak NomosTermsEvaluate
