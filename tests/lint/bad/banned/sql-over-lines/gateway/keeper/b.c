void b(void)
{
	buf_printf(&q,
	    "INSERT "
	    "INTO receipts VALUES (%d)",
	    f(1, (2)));
}
