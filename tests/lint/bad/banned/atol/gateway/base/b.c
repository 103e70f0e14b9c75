int b(void);
int b(void)
{
	return (int)atol (0);
}
