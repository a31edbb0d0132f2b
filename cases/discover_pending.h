/* Weak references to what lands these minutes (terms, equations): nomos links without it, and nomos discover needs it. */
#pragma weak NomosEquationsEntries
#pragma weak NomosEquationsTerms
#pragma weak NomosTermsText
#pragma weak NomosTermsLatex
#pragma weak NomosTermsEvaluate
