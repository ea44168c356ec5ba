set.seed(1)
lx <- log(10000/4^(0:6)); 
g <- function(lx,b,ld,m,s,a) log(exp(b)+exp(ld)*(1+exp(-s*(lx-m)))^(-a))
mu <- g(lx, log(90), log(60000), log(2500), log(1.1)*0+1.1, 1.3)
y <- mu + c(.05,-.04,.03,.06,-.05,.02,-.03); y2 <- mu + c(-.02,.03,-.05,.01,.04,-.03,.02)
X <- c(lx,lx,-Inf,-Inf); Y <- c(y,y2,log(88),log(93)); w <- 1/c(rep(c(.03,.03,.05,.05,.08,.05,.03),2),.04,.04)^2
f4 <- function(lx,b,ld,m,s) ifelse(is.finite(lx), log(exp(b)+exp(ld)*(1+exp(-exp(s)*(pmax(lx,-50)-m)))^(-1)), b)
f5 <- function(lx,b,ld,m,s,a) ifelse(is.finite(lx), log(exp(b)+exp(ld)*(1+exp(-exp(s)*(pmax(lx,-50)-m)))^(-exp(a))), b)
ctl <- nls.control(maxiter=500,tol=1e-8,minFactor=1e-12)
n4 <- nls(Y~f4(X,b,ld,m,s),start=list(b=log(90),ld=log(60000),m=log(2500),s=.1),weights=w,control=nls.control(maxiter=1000,tol=1e-12),algorithm="port")
n5 <- nls(Y~f5(X,b,ld,m,s,a),start=list(b=log(90),ld=log(60000),m=log(2500),s=.1,a=.2),weights=w,control=nls.control(maxiter=1000,tol=1e-12),algorithm="port")
options(digits=10)
print(round(Y,6)); print(coef(n4)); print(coef(n5)); print(deviance(n4)); print(deviance(n5))
