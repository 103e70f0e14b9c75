void b(void) { fprintf(stderr, "x"); }
