int b(void);
int b(void)
{
	return (int)rand (0);
}
