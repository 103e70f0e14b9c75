struct wide_answer;
