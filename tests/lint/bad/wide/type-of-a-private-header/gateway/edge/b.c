struct wide_answer *b;
