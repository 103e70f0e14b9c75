int b(void);
int b(void)
{
	return (int)system (0);
}
